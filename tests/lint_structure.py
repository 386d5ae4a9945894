#!/usr/bin/python3
"""lint_structure.py [TOP]: what keeps the rooms of this house apart and tidy.

 * No files, and no rooms, include each other in a circle: x.c and x.h are
   one here, and so are sandbox.h and sandbox_linux.c.  Who calls a file that
   has no header of its own, by another one's, counts as including it.
 * common/ includes no other room, and web/ none but common/.
 * Berkeley DB's header is included by the few files that speak to it.
 * <sha2.h> stands behind a header of <sys/>, <resolv.h> behind
   <netinet/in.h>, which is included by who has addresses of the Internet in
   hand as well: OpenBSD's headers do not include these themselves.
 * A function has 45 lines at most, from its type to its closing brace.
 * A line has 80 columns at most, is indented by tabs, and ends in no blank.
   (clang-format is not asked for more: with the settings that come closest to
   this code it still puts each argument behind a long string on a line of its
   own, and "? 0 :" and "-1" on two.)

Tells FILE:LINE of each fault; exit status 1 if there is one, or no source.
TOP is the house that this file is in, unless it is given.
"""

import glob
import os
import re
import sys

ROOMS = ("common", "auth", "store", "session", "sasl", "keys",
         "listener", "ctl", "configtest", "settings", "web")
LONGEST = 45
COLUMNS = 80
# Who may include <db.h>: the index, with what finds out why it failed, and
# the one helper of it and of the accounts.
DB_FILES = re.compile(r"store/index\.c|(store/cause|common/bdb)\.[ch]")

# The directory of headers that another one needs before it, and which it is.
WANTS = {"<sha2.h>": ("<sys", "<sys/types.h>"),
         "<resolv.h>": ("<netinet", "<netinet/in.h>")}
# What <netinet/in.h> declares.
ADDRESSES = re.compile(r"\b(in6?_addr|sockaddr_in6?|INET6?_ADDRSTRLEN|"
                       r"IN(6ADDR)?_?LOOPBACK\w*|IPPROTO_\w+)\b")


def sources(*directories):
    return sorted(os.path.normpath(path) for directory in directories
                  for path in glob.glob(directory + "/*.[ch]"))


def includes(path):
    """[(line number, what is included, with its <> or "")]."""
    with open(path) as f:
        lines = f.read().split("\n")
    found = [(n, re.match(r'\s*#\s*include\s*(<.*>|".*")', line))
             for n, line in enumerate(lines, 1)]
    return [(n, match.group(1)) for n, match in found if match]


def node(path):
    """The name under which a .c and its .h are one."""
    stem = os.path.splitext(path)[0]
    header = stem.rpartition("_")[0]
    if not os.path.exists(stem + ".h") and os.path.exists(header + ".h"):
        return header
    return stem


def room(path):
    return os.path.dirname(path) or "."


def edges(paths, name):
    """{(a, b): where a includes b}, by the names of files or rooms."""
    found = {}
    for path in paths:
        for line, what in includes(path):
            target = what[1:-1]
            if what[0] == '"' and os.path.exists(target) and \
                    name(path) != name(target):
                found.setdefault((name(path), name(target)),
                                 "%s:%d" % (path, line))
    return found


def reachable(graph, start):
    seen, todo = set(), [start]
    while todo:
        for a, b in graph:
            if a == todo[0] and b not in seen:
                seen.add(b)
                todo.append(b)
        todo.pop(0)
    return seen


def calls(paths):
    """The same as edges() for what files without a header define."""
    text = {}
    for path in paths:
        with open(path) as f:
            text[path] = f.read()
    found = {}
    for path in paths:
        if not path.endswith(".c") or os.path.exists(node(path) + ".h"):
            continue
        # A definition: its type on a line of its own, and that not static.
        names = re.findall(r"^(?!static)[a-z].*\n(?!main)([a-z]\w*)\(",
                           text[path], re.M)
        for other in paths:
            used = re.search(r"\b(%s)\b" % "|".join(names or ["$^"]),
                             text[other])
            if used and other.endswith(".c") and other != path:
                found[node(other), node(path)] = "%s:%d" % (
                    other, text[other].count("\n", 0, used.start()) + 1)
    return found


def circles(graph):
    """Each way that leads back to where it began: a fault."""
    reach = {a: reachable(graph, a) for a, _ in graph}
    return ["%s: %s needs %s, and that leads back to %s" % (at, a, b, a)
            for (a, b), at in sorted(graph.items())
            if a in reach.get(b, ())]


def wrong_includes(paths):
    faults = []
    for path in paths:
        before = []
        for line, what in includes(path):
            other = what[1:-1].split("/")[0]
            room_before, header = WANTS.get(what, (None, None))
            if room_before and room_before not in before:
                faults.append("%s:%d: %s wants %s before it"
                              % (path, line, what, header))
            before.append(what.split("/")[0])
            if room(path) in ("common", "web") and what[0] == '"' and \
                    other not in ("common", room(path)):
                faults.append("%s:%d: %s/ includes %s of another room"
                              % (path, line, room(path), what))
            if what == "<db.h>" and not DB_FILES.fullmatch(path):
                faults.append("%s:%d: <db.h> is not for this file"
                              % (path, line))
    return faults


def undeclared_addresses(path):
    if any(what == "<netinet/in.h>" for _, what in includes(path)):
        return []
    with open(path) as f:
        lines = f.read().split("\n")
    for n, line in enumerate(lines, 1):
        if ADDRESSES.search(line):
            return ["%s:%d: %s wants <netinet/in.h>" % (
                path, n, ADDRESSES.search(line).group())]
    return []


def long_functions(path):
    with open(path) as f:
        lines = f.read().split("\n")
    faults, head, begin = [], 0, 0
    for n, line in enumerate(lines):
        # What is not a function's head: it begins behind this.
        if line == "" or line[0] in "#}" or line.endswith(("*/", ";")):
            head = n + 1
        if line == "{":
            begin = head
        if line == "}" and n - begin + 1 > LONGEST:
            faults.append("%s:%d: a function of %d lines; %d are the most"
                          % (path, begin + 1, n - begin + 1, LONGEST))
    return faults


def untidy_lines(path):
    with open(path) as f:
        lines = f.read().split("\n")
    faults = []
    for n, line in enumerate(lines, 1):
        columns = len(line.expandtabs(8))
        if columns > COLUMNS:
            faults.append("%s:%d: %d columns; %d are the most"
                          % (path, n, columns, COLUMNS))
        if re.match(r"\t* {8}| +\t", line):
            faults.append("%s:%d: indented by blanks" % (path, n))
        if line != line.rstrip():
            faults.append("%s:%d: a blank at the end" % (path, n))
    return faults


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    os.chdir(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(here))
    product = sources(".", *ROOMS)
    if not product:
        print("%s: there are no sources here" % os.getcwd())
        return 1
    faults = circles({**calls(product), **edges(product, node)})
    faults += circles(edges(product, room))
    faults += wrong_includes(product)
    for path in product + sources("tests/unit", "tests/fuzz", "tests/stubs",
                                  "bench"):
        faults += undeclared_addresses(path) + long_functions(path) + \
            untidy_lines(path)
    for fault in faults:
        print(fault)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
