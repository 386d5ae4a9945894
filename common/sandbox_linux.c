/*
 * Linux: seccomp(2) decides which system calls there are, landlock(7) which
 * files, and a few resource limits and prctl(2)s do the rest.
 *
 * The filters are written out here, as a table for each process, and not
 * made by libseccomp: loading that library and letting it compute the
 * filter would cost every process more than all the rest of its sandbox.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/log.h"
#include "common/sandbox.h"

/* What session and auth may have open: the channels, the log, some mail. */
#define FILES_MAX ((rlim_t)2 * CHANNEL_MAX_FDS)

/*
 * The first Landlock that lets a file be moved from new/ to cur/ (Linux
 * 5.19).  The one before refuses to, whatever the rules say: it is good for
 * processes that have no files.
 */
#define LANDLOCK_MOVES 2

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#endif

/*
 * Sanitizers map, read and fork as they please when they have something to
 * report: their builds, which are for tests, do without a filter.
 */
#if defined(__SANITIZE_ADDRESS__)
#undef ARCHITECTURE
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#undef ARCHITECTURE
#endif
#endif

#ifdef ARCHITECTURE
/*
 * The language of the tables.  The first rule that fits counts; one that
 * does not leaves the number of the call in the accumulator for the next.  The
 * low half of an argument is looked at, which is all of it for those that are
 * (int flags and descriptors); both halves lie as on a little-endian machine.
 */
#define FIELD(f)     (uint32_t) offsetof(struct seccomp_data, f)
#define LOAD_AT(n)   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, n)
#define LOAD(f)	     LOAD_AT(FIELD(f))
#define LOAD_HIGH(f) LOAD_AT(FIELD(f) + 4)
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
#define IF(op, value, yes, no) \
	BPF_JUMP(BPF_JMP | BPF_K | (op), (uint32_t)(value), yes, no)

/*
 * Another system call table (i386's) is fatal; x32's numbers fit no rule.
 *
 * The look at an argument is for nothing but speed.  When a filter is
 * entered, the kernel walks it once for each of its calls to learn which
 * ones it always allows; unless it meets an argument.  The walks would take
 * more time than all calls of a session together spend in the filter.
 */
#define BEGIN                                                       \
	LOAD(args[0]), LOAD(arch), IF(BPF_JEQ, ARCHITECTURE, 1, 0), \
	    RETURN(SECCOMP_RET_KILL_PROCESS), LOAD(nr)
#define END RETURN(SECCOMP_RET_KILL_PROCESS)

#define ALLOW(call) IF(BPF_JEQ, __NR_##call, 0, 1), RETURN(SECCOMP_RET_ALLOW)
#define REFUSE(call, error) \
	IF(BPF_JEQ, __NR_##call, 0, 1), RETURN(SECCOMP_RET_ERRNO | (error))
/* Only where argument n is value. */
#define ALLOW_IF(call, n, value)                       \
	IF(BPF_JEQ, __NR_##call, 0, 4), LOAD(args[n]), \
	    IF(BPF_JEQ, value, 0, 1), RETURN(SECCOMP_RET_ALLOW), LOAD(nr)
/* Only where argument n is NULL: both its halves. */
#define ALLOW_NULL(call, n)                                                  \
	IF(BPF_JEQ, __NR_##call, 0, 6), LOAD(args[n]), IF(BPF_JEQ, 0, 0, 3), \
	    LOAD_HIGH(args[n]), IF(BPF_JEQ, 0, 0, 1),                        \
	    RETURN(SECCOMP_RET_ALLOW), LOAD(nr)
/* Only where argument n has none of these bits. */
#define ALLOW_UNLESS(call, n, bits)                    \
	IF(BPF_JEQ, __NR_##call, 0, 4), LOAD(args[n]), \
	    IF(BPF_JSET, bits, 1, 0), RETURN(SECCOMP_RET_ALLOW), LOAD(nr)

/* Calls that only some architectures have, or had first. */
#ifdef __NR_poll
#define OLD_POLL   ALLOW(poll),
#define OLD_SELECT ALLOW(select),
#else
#define OLD_POLL
#define OLD_SELECT
#endif
#ifdef __NR_dup2
#define OLD_DUP2 ALLOW(dup2),
#else
#define OLD_DUP2
#endif
#ifdef __NR_time
#define OLD_TIME ALLOW(time),
#else
#define OLD_TIME
#endif
#ifdef __NR_open
#define OLD_FILES                                                            \
	ALLOW(open), ALLOW(stat), ALLOW(lstat), ALLOW(access), ALLOW(mkdir), \
	    ALLOW(rename), ALLOW(unlink),
#else
#define OLD_FILES
#endif
#ifdef __NR_renameat
#define OLD_RENAMEAT ALLOW(renameat),
#else
#define OLD_RENAMEAT
#endif

/*
 * Reading from and writing to what is open.  sendmsg(2), which could name an
 * address, is not among these: each process may use it on its channels only.
 */
#define TALK                                                     \
	ALLOW(read), ALLOW(write), ALLOW(readv), ALLOW(writev),  \
	    ALLOW(recvmsg), ALLOW(close), OLD_POLL ALLOW(ppoll), \
	    ALLOW(restart_syscall)

#define MEMORY                                                    \
	ALLOW(brk), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise), \
	    ALLOW_UNLESS(mmap, 2, PROT_EXEC),                     \
	    ALLOW_UNLESS(mprotect, 2, PROT_EXEC)

/* sysinfo(2) is qsort(3), which wants to know how much memory there is. */
#define LIBRARY                                                               \
	ALLOW(clock_gettime), ALLOW(gettimeofday), OLD_TIME ALLOW(getrandom), \
	    ALLOW(futex), ALLOW(getpid), ALLOW(sysinfo),                      \
	    ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(exit),          \
	    ALLOW(exit_group)

/*
 * syslog(3) sends on a connected socket, without an address; when syslogd
 * has been started anew it tries to connect again, which fails, and the log
 * ends there, not the process.  Where it writes to standard error as well
 * (pop3d -d), it asks what kind of file that is, and does without.
 */
#define SYSLOG                                                            \
	ALLOW_IF(sendto, 5, 0), REFUSE(socket, EACCES),                   \
	    REFUSE(connect, EACCES), ALLOW(lseek), REFUSE(ioctl, EACCES), \
	    REFUSE(newfstatat, EACCES), REFUSE(fstat, EACCES)

/*
 * What keys does for a session, and then the session to lock itself in: fork,
 * with none of clone(2)'s other uses, and the end of that right.
 */
#define FORK_FLAGS (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CSIGNAL)
#define FORK                                                             \
	ALLOW_UNLESS(clone, 0, ~(uint32_t)FORK_FLAGS), OLD_DUP2          \
	    ALLOW(dup3), ALLOW(wait4), ALLOW(set_robust_list),           \
	    ALLOW_IF(prlimit64, 1, RLIMIT_NPROC),                        \
	    ALLOW_IF(prctl, 0, PR_SET_SECCOMP)

#ifdef __NR_dup2
#define NO_OLD_DUP2 DENY(dup2),
#else
#define NO_OLD_DUP2
#endif
/* All of these, for a filter that comes on top of one with FORK. */
#define DENY(call) \
	IF(BPF_JEQ, __NR_##call, 0, 1), RETURN(SECCOMP_RET_KILL_PROCESS)
#define NO_FORK                                                          \
	DENY(clone), NO_OLD_DUP2 DENY(dup3), DENY(wait4),                \
	    DENY(set_robust_list), DENY(prlimit64), DENY(prctl)

/* TLS libraries may try to hand their work to the kernel. */
#define TLS REFUSE(setsockopt, EPERM)

/*
 * One mailbox and Berkeley DB, which wants to know how many processors
 * there are, and sleeps in select(2); Landlock says which files.  linkat(2)
 * is for file systems that can rename only by replacing.
 */
#define FILES                                                                \
	OLD_FILES OLD_RENAMEAT OLD_SELECT ALLOW(pselect6), ALLOW(openat),    \
	    ALLOW(newfstatat), ALLOW(fstat), ALLOW(statx), ALLOW(faccessat), \
	    ALLOW(getdents64), ALLOW(pread64), ALLOW(pwrite64),              \
	    ALLOW(ftruncate), ALLOW(fsync), ALLOW(fdatasync), ALLOW(syncfs), \
	    ALLOW_IF(fallocate, 1, 0),                                       \
	    ALLOW(renameat2), ALLOW_IF(linkat, 4, 0), ALLOW(unlinkat),       \
	    ALLOW(mkdirat),                                                  \
	    ALLOW_NULL(utimensat, 1), ALLOW(getcwd), ALLOW(uname),           \
	    ALLOW_IF(sched_getaffinity, 0, 0)

/* Not F_SETOWN, which sends signals. */
#define LOCKS                                                         \
	ALLOW_IF(fcntl, 1, F_SETLK), ALLOW_IF(fcntl, 1, F_GETFL),     \
	    ALLOW_IF(fcntl, 1, F_GETFD), ALLOW_IF(fcntl, 1, F_SETFD), \
	    ALLOW(clock_nanosleep), ALLOW(nanosleep)

/* Before SYSLOG, which refuses all of ioctl(2): channel_unread(). */
#define UNREAD ALLOW_IF(ioctl, 1, SIOCOUTQ)

#define FILTER(...)                     \
	{                               \
		BEGIN, __VA_ARGS__, END \
	}
/* The next one on top of a filter, which takes some of what that allows. */
#define FILTER_MORE(...)                                  \
	{                                                 \
		BEGIN, __VA_ARGS__, RETURN(SECCOMP_RET_ALLOW) \
	}
#else
#define FILTER_MORE FILTER
#define ARCHITECTURE 0
#define FILTER(...)                                          \
	{                                                    \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) \
	}
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What differs from process to process. */
struct box {
	const struct sock_fprog *filter;
	size_t ndirs; /* directories that may be used; 0: no files */
	const char *const *dir;
	int flags;	 /* of open(2), for them */
	uint64_t access; /* in them, as landlock(7) calls it */
	long since;	 /* the first Landlock that is good for that */
	int reports;	 /* what is missing, to the log */
	int required;
	enum limits { ALONE, FORKS, KEPT } limits;
};

/*
 * The memory that a session of keys may have, octets.  All these sessions
 * share what the system gives to the listener, and one that was taken over is
 * not to use it up.  A mailbox of a hundred million messages takes less.
 */
#define DATA_MAX ((rlim_t)64 << 20)

/* A parent's ruleset of landlock(7), with the fields of newer kernels. */
struct ruleset {
	uint64_t fs, net, scoped;
};

#define ACCESS_MAILBOX                                                     \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |      \
	    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |  \
	    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	    ACCESS_REFER | ACCESS_TRUNCATE)

/* Since: 2, 3 and 5; TCP since 4, abstract sockets and signals since 6. */
#define ACCESS_REFER	(1ULL << 13)
#define ACCESS_TRUNCATE (1ULL << 14)
#define ACCESS_IOCTL	(1ULL << 15)
#define NET_ALL		3ULL
#define SCOPED_ALL	3ULL

static struct ruleset
all_that_is_known(long abi)
{
	struct ruleset r = { ACCESS_REFER - 1, 0, 0 };

	if (abi >= 2)
		r.fs |= ACCESS_REFER;
	if (abi >= 3)
		r.fs |= ACCESS_TRUNCATE;
	if (abi >= 4)
		r.net = NET_ALL;
	if (abi >= 5)
		r.fs |= ACCESS_IOCTL;
	if (abi >= 6)
		r.scoped = SCOPED_ALL;
	return r;
}

/* A directory that cannot be opened gets no rule, and stays shut. */
static int
admit(int ruleset, const char *dir, int flags, uint64_t access)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access };
	int error;

	rule.parent_fd = open(dir, flags | O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rule.parent_fd == -1)
		return 0;
	error = (int)syscall(SYS_landlock_add_rule, ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
	return error;
}

/* The version of Landlock; -1: none. */
static long
landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
}

/* Landlock: all that this kernel can forbid is, but for the directories. */
static int
confine(const struct box *box)
{
	long abi = landlock();
	struct ruleset all = all_that_is_known(abi);
	int fd, error = 0;
	size_t i;

	if (abi < box->since)
		return -1;
	fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (fd == -1)
		return -1;
	for (i = 0; error == 0 && i < box->ndirs; i++)
		error = admit(fd, box->dir[i], box->flags,
		    all.fs & box->access);
	if (error == 0)
		error = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
	return error;
}

static const struct rlimit nothing = { 0, 0 };
static const struct rlimit few_files = { FILES_MAX, FILES_MAX };
static const struct rlimit some_data = { DATA_MAX, DATA_MAX };

/* Who forks would be stopped by that; who was forked has the others. */
static int
restrain_family(enum limits limits)
{
	if (limits != FORKS)
		return setrlimit(RLIMIT_NPROC, &nothing);
	/* Sanitizers, whose builds have no filter, map terabytes. */
	return ARCHITECTURE == 0 ? 0 : setrlimit(RLIMIT_DATA, &some_data);
}

/*
 * No core file with mail or keys in it, no debugger, no way up.  The store
 * keeps its limit of descriptors: those on the way to sessions count too,
 * for all stores of one owner together.
 */
static int
restrain(enum limits limits, int files)
{
	struct stat st;

	if (restrain_family(limits) == -1)
		return -1;
	if (limits == KEPT)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1 ||
	    setrlimit(RLIMIT_CORE, &nothing) == -1)
		return -1;
	if (files)
		return 0;
	/* Standard error that goes to a file (pop3d -d) may grow it. */
	if ((fstat(STDERR_FILENO, &st) == -1 || !S_ISREG(st.st_mode)) &&
	    setrlimit(RLIMIT_FSIZE, &nothing) == -1)
		return -1;
	return setrlimit(RLIMIT_NOFILE, &few_files);
}

static int
filter_calls(const struct sock_fprog *filter)
{
	if (ARCHITECTURE == 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter, 0, 0);
}

static int
enter(const struct box *box)
{
	const char *without = NULL;

	if (restrain(box->limits, box->ndirs > 0) == -1) {
		log_warn("sandbox: limits: %s", strerror(errno));
		return -1;
	}
	if (box->limits != KEPT && confine(box) == -1)
		without = box->since < LANDLOCK_MOVES ?
		    "Landlock (Linux 5.13, unless it is switched off)" :
		    "Landlock (Linux 5.19, unless it is switched off)";
	if (filter_calls(box->filter) == -1)
		without = without == NULL ? "seccomp" : "Landlock and seccomp";
	if (without == NULL)
		return 0;
	if (box->required)
		log_warn("sandbox: this system is without %s; refused, "
			 "because the configuration says sandbox required",
		    without);
	else if (box->reports)
		log_info("sandbox: this system is without %s", without);
	return box->required ? -1 : 0;
}

int
sandbox_session(int channel, int required)
{
	struct sock_filter rules[] = FILTER(
	    TALK, MEMORY, LIBRARY, SYSLOG, TLS, ALLOW_IF(sendmsg, 0, channel));
	const struct sock_fprog filter = { COUNT(rules), rules };
	const struct box box = { .filter = &filter, .since = 1, .reports = 1,
		.required = required };

	(void)channel;
	return enter(&box);
}

int
sandbox_keys(int channel, int required)
{
	struct sock_filter rules[] = FILTER(TALK, MEMORY, LIBRARY, SYSLOG, TLS,
	    ALLOW_IF(sendmsg, 0, channel), FORK);
	const struct sock_fprog filter = { COUNT(rules), rules };
	const struct box box = { .filter = &filter, .since = 1, .reports = 1,
		.required = required, .limits = FORKS };

	(void)channel;
	return enter(&box);
}

/*
 * What keys has a filter for is what a session may do, and FORK.  It has told
 * what this system is without.
 */
int
sandbox_session_kept(int channel, int required)
{
	struct sock_filter rules[] = FILTER_MORE(NO_FORK);
	const struct sock_fprog filter = { COUNT(rules), rules };
	const struct box box = { .filter = &filter, .since = 1,
		.required = required, .limits = KEPT };

	(void)channel; /* as that of keys */
	return enter(&box);
}

/* SYSLOG comes behind fstat(2), which it refuses otherwise. */
int
sandbox_auth(int channel, int verdict, int system, int accounts, int required)
{
	struct sock_filter rules[] = FILTER(TALK, MEMORY, LIBRARY,
	    ALLOW_IF(fstat, 0, accounts), SYSLOG, ALLOW(pread64),
	    ALLOW_IF(sendmsg, 0, channel), ALLOW_IF(sendmsg, 0, verdict),
	    ALLOW_IF(sendmsg, 0, system));
	const struct sock_fprog filter = { COUNT(rules), rules };
	const struct box box = { .filter = &filter, .since = 1,
		.required = required };

	(void)channel;
	(void)verdict;
	(void)system;
	(void)accounts;
	return enter(&box);
}

int
sandbox_sasl(int channel, int required)
{
	struct sock_filter rules[] = FILTER(
	    TALK, MEMORY, LIBRARY, SYSLOG, ALLOW_IF(sendmsg, 0, channel));
	const struct sock_fprog filter = { COUNT(rules), rules };
	const struct box box = { .filter = &filter, .since = 1, .reports = 1,
		.required = required };

	(void)channel;
	return enter(&box);
}

int
sandbox_desk(int auth, int required)
{
	return sandbox_sasl(auth, required);
}

int
sandbox_judge(int desk, int clerk, int owner, int required)
{
	return sandbox_auth(desk, clerk, owner, -1, required);
}

/* Root without them can open what is root's, and no more. */
static int
drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		_LINUX_CAPABILITY_VERSION_3, 0
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

	memset(none, 0, sizeof(none));
	if (syscall(SYS_capset, &header, none) == 0)
		return 0;
	log_warn("sandbox: capset: %s", strerror(errno));
	return -1;
}

int
sandbox_clerk(const char *dir, int auth, int desk, int required)
{
	struct sock_filter rules[] = FILTER(TALK, FILES, LOCKS,
	    ALLOW_IF(fcntl, 1, F_SETLKW), MEMORY, LIBRARY, SYSLOG,
	    ALLOW_IF(sendmsg, 0, auth), ALLOW_IF(sendmsg, 0, desk));
	const struct sock_fprog filter = { COUNT(rules), rules };
	const struct box box = { .filter = &filter, .ndirs = 1, .dir = &dir,
		.access = ACCESS_MAILBOX, .since = LANDLOCK_MOVES,
		.required = required };

	(void)auth;
	(void)desk;
	return drop_capabilities() == -1 ? -1 : enter(&box);
}

int
sandbox_web(int required)
{
	struct sock_filter rules[] = FILTER(TALK, MEMORY, LIBRARY, SYSLOG);
	const struct sock_fprog filter = { COUNT(rules), rules };
	const struct box box = { .filter = &filter, .since = 1,
		.required = required };

	return enter(&box);
}

/* Landlock hides nothing from stat(2). */
int
sandbox_store_sees(const char *path)
{
	(void)path;
	return 0;
}

int
sandbox_system(void)
{
	return 0;
}

int
sandbox_store(const char *maildir, int channel, int required)
{
	struct sock_filter rules[] = FILTER(TALK, FILES, LOCKS, MEMORY, LIBRARY,
	    UNREAD, SYSLOG, ALLOW_IF(sendmsg, 0, channel));
	const struct sock_fprog filter = { COUNT(rules), rules };
	/* The session has told of anything else that is missing. */
	const struct box box = { .filter = &filter, .ndirs = 1, .dir = &maildir,
		.access = ACCESS_MAILBOX, .since = LANDLOCK_MOVES,
		.reports = landlock() > 0 && landlock() < LANDLOCK_MOVES,
		.required = required };

	(void)channel;
	return enter(&box);
}

/* Nothing is written but what is printed; fstat(2) comes before SYSLOG. */
int
sandbox_reader(const char *const *dir, size_t n, int required)
{
	struct sock_filter rules[] = FILTER(TALK, MEMORY, LIBRARY,
	    ALLOW(openat), ALLOW(newfstatat), ALLOW(fstat), ALLOW(pread64),
	    SYSLOG);
	const struct sock_fprog filter = { COUNT(rules), rules };
	const struct box box = { .filter = &filter, .ndirs = n, .dir = dir,
		.flags = O_NOFOLLOW, .access = LANDLOCK_ACCESS_FS_READ_FILE,
		.since = 1,
		.required = required };

	return enter(&box);
}
