"""Rounds in turn, medians with their spread, CPU beside wall clock, and what
others used of the machine meanwhile."""

import atexit
import errno
import os
import statistics
import time

NOISE = 5  # per cent of the machine; where others use more, nothing is judged
TRIES = int(os.environ.get("BENCH_TRIES", 3))
TICK = os.sysconf("SC_CLK_TCK")
QUIET_S = 0.02

missed, unjudged = [], []


def say(text=""):
    print(text, flush=True)


def cgroups():
    with open("/proc/mounts") as f:
        for line in f:
            words = line.split()
            if words[2] == "cgroup2":
                return words[1]
    raise SystemExit("bench: CPU is counted by cgroups, and no cgroup2 is "
                     "mounted; mount -t cgroup2 cgroup2 /sys/fs/cgroup")


class Group:
    """The processes of a server, and what all of them have used, those that
    have ended as well."""

    ALL = "pop3d-bench-%d" % os.getpid()

    def __init__(self, name):
        self.path = "%s/%s/%s" % (cgroups(), self.ALL, name)
        os.makedirs(self.path, exist_ok=True)

    def enter(self):
        with open(self.path + "/cgroup.procs", "w") as f:
            f.write("0")

    def pids(self):
        with open(self.path + "/cgroup.procs") as f:
            return {int(pid) for pid in f}

    def used(self):
        """ms of CPU."""
        with open(self.path + "/cpu.stat") as f:
            return int(f.readline().split()[1]) / 1000

    def settle(self):
        """Until nothing happens any more, or a second has passed."""
        last, until = -1.0, time.monotonic() + 1
        while last != self.used() and time.monotonic() < until:
            last = self.used()
            time.sleep(QUIET_S)
        return self.used()

    def end(self):
        with open(self.path + "/cgroup.kill", "w") as f:
            f.write("1")
        while os.path.exists(self.path):
            try:
                os.rmdir(self.path)
            except OSError as why:  # the last ones are ending
                if why.errno != errno.EBUSY:
                    raise
                time.sleep(QUIET_S)


class Others:
    """What others use of the machine, from when it is made; a hypervisor that
    gives us less than we ask for is one of them."""

    everything = bench = None

    def __init__(self):
        if Others.everything is None:
            Others.everything = Group("")
            Others.bench = Group("bench")
            self.bench.enter()
            atexit.register(self.leave)
        self.began = time.monotonic()
        self.idle = self.idle_now()
        self.ours = self.everything.used()

    @classmethod
    def leave(cls):
        """Leaves no group behind, and no server."""
        with open(cgroups() + "/cgroup.procs", "w") as f:
            f.write("0")
        for name in os.listdir(cls.everything.path):
            if os.path.isdir(cls.everything.path + "/" + name):
                Group(name).end()
        os.rmdir(cls.everything.path)

    @staticmethod
    def idle_now():
        with open("/proc/stat") as f:
            words = f.readline().split()
        return (int(words[4]) + int(words[5])) * 1000 / TICK

    def share(self):
        """Per cent of all processors."""
        all_of = (time.monotonic() - self.began) * 1000 * os.cpu_count()
        used = (all_of - (self.idle_now() - self.idle) -
                (self.everything.used() - self.ours))
        return max(0.0, 100 * used / all_of)


class Took:
    """What was measured: took[name][step], a list of (ms, ms of CPU)."""

    def __init__(self, rounds, runs):
        others = Others()
        self.rounds = rounds
        self.took = {name: {} for name in runs}
        for turn in range(rounds):
            # Back and forth, so that nobody is always after the same one.
            for name in list(runs)[::-1 if turn % 2 else 1]:
                for step, value in runs[name]().items():
                    self.took[name].setdefault(step, []).append(value)
        self.others = others.share()

    def __getitem__(self, name):
        return self.took[name]

    def middle(self, name, step, cpu=0):
        return statistics.median(v[cpu] for v in self.took[name][step])

    def with_step(self, step):
        return [name for name in self.took if step in self.took[name]]


def rounds(count, runs):
    """Calls each of runs ({name: function}, which returns {step: (ms, ms of
    CPU)}) in each round.  Where others were at work it is done again."""
    best = None
    for _ in range(TRIES):
        took = Took(count, runs)
        if best is None or took.others < best.others:
            best = took
        if best.others <= NOISE:
            break
        say("(others used %.0f %% of the machine meanwhile)" % took.others)
    return best


def spread(values):
    """The median, and between what half of them are."""
    if len(values) < 2:
        return "%9.2f %-19s" % (values[0], "")
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return "%9.2f %-19s" % (middle, "(%.2f-%.2f)" % (low, high))


def show(what, took, step, unit="ms"):
    """A line for each that was measured: wall clock, and CPU of the server."""
    say("\n%-42s %-29s %s" % (what, unit + " by the clock"
                                  if unit == "ms" else unit, "CPU, ms"))
    for name in took.with_step(step):
        values = took[name][step]
        say("  %-40s %s %s" % (name, spread([v[0] for v in values]), ""
                               if values[0][1] is None else
                               spread([v[1] for v in values])))


def verdict(what, took, shown, middle, budget, least=False):
    """A line that says whether a budget is kept."""
    if took.others > NOISE:
        word = "not judged: others used %.0f %%" % took.others
        unjudged.append(what)
    elif middle >= budget if least else middle <= budget:
        word = "ok"
    else:
        word = "MISSED"
        missed.append(what)
    say("  %s %s %-5.3g %s" % (shown, ">=" if least else "<=", budget, word))


def judge(what, took, step, ours, theirs, budget, least=False, cpu=0):
    """Is the ratio of pairs, by the clock or in CPU, at most the budget?  Or,
    of theirs to ours, at least?"""
    ratios = [y[cpu] / x[cpu] if least else x[cpu] / y[cpu]
              for x, y in zip(took[ours][step], took[theirs][step])]
    shown = "%-40s %s" % ("%s / %s" % ((theirs, ours) if least else
                                       (ours, theirs)), spread(ratios))
    verdict(what, took, shown, statistics.median(ratios), budget, least)


def judge_best(what, took, step, ours, peers, budget):
    """By the best of the peers."""
    peers = [p for p in peers if p in took.with_step(step)]
    if peers:
        judge(what, took, step, ours,
              min(peers, key=lambda p: took.middle(p, step)), budget, True)


def judge_at(what, took, step, name, budget):
    """By a time, ms."""
    middle = took.middle(name, step)
    verdict(what, took, "%-40s %9.2f" % (name, middle), middle, budget)
