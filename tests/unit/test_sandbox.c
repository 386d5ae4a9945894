/*
 * Tries to break out of each process's sandbox, one attempt in one child,
 * and prints a table of what was expected and what was seen.
 *
 * The last column is the same attempt without a sandbox, by the mailbox's
 * owner or, where that takes root, by root: it shows that it is the sandbox
 * that stops the others.  Where it depends on the kernel or a container
 * whether that succeeds, it is shown and not judged.
 *
 * As root the processes drop their privileges as in pop3d; otherwise they
 * stay who they are.  Where the kernel has no Landlock that is good for the
 * store (Linux 5.19), what only that forbids is shown and not judged.  Exit
 * status 1 on any difference.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/log.h"
#include "common/privdrop.h"
#include "common/sandbox.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define WORKS	0
#define KILLED	(-1) /* by the filter: SIGSYS */
#define REFUSED (-2) /* by the filter: EACCES */
#define DIED	(-3) /* in another way */
#define NOTHING (-4) /* the child has not said anything yet */

enum process { SESSION, AUTH, STORE, READER, SASL, KEYS, KEPT, DESK, JUDGE,
	WEB, CLERK, PROCESSES, OWNER = PROCESSES, STARTER };
enum control { NONE, SHOW, MUST, SHOW_ROOT, MUST_ROOT };

struct attempt {
	const char *name;
	int (*try)(void); /* 0, or an errno value */
	int expected[SASL]; /* of the others: expected_of() */
	enum control control;
};

/* Ids that belong to nobody: of session and auth, of the mailboxes. */
static const uid_t ids[] = { 65531, 65531, 65533, 65533, 65531, 65531, 65531,
	65531, 65531, 65531, 0, 65533 };

static uid_t files_owner = 65533; /* of all that is in base */
static int root;     /* started by root */
static int landlock; /* the kernel has it */
static char base[64] = "/tmp/test_sandbox.XXXXXX";
static char mine[128], other[128], accounts[128], key[128], receiver[128];
static int channel[2], verdict[2], logger, log_end, victims[2], accounts_fd;
static pid_t victim;	     /* has the uid of whoever tries */
static volatile int *result; /* shared with the children */

static char *
path_in(const char *dir, const char *name)
{
	static char buf[2][256];
	static int n;

	n = !n;
	snprintf(buf[n], sizeof(buf[n]), "%s/%s", dir, name);
	return buf[n];
}

static int
outcome(long rv)
{
	return rv == -1 ? errno : 0;
}

static int
opened(const char *path, int flags)
{
	return outcome(open(path, flags | O_CLOEXEC, 0600));
}

#define TRY(name, expression)        \
	static int name(void)        \
	{                            \
		return (expression); \
	}
#define TRY_CALL(name, ...) TRY(name, outcome(syscall(__VA_ARGS__)))

/* Files. */
TRY(open_passwd, opened("/etc/passwd", O_RDONLY))
TRY(open_root, opened("/", O_RDONLY | O_DIRECTORY))
TRY(open_proc, opened("/proc/self/status", O_RDONLY))
TRY(open_proc_mem, opened("/proc/self/mem", O_RDWR))
TRY(open_accounts, opened(accounts, O_RDONLY))
TRY(open_key, opened(key, O_RDONLY))
TRY(open_other, opened(path_in(other, "cur/1"), O_RDONLY))
TRY(open_other_dir, opened(path_in(other, "cur"), O_RDONLY))
TRY(read_journal, opened(path_in(mine, "pop3d/journal"), O_RDONLY))
TRY(read_mail, opened(path_in(mine, "cur/1"), O_RDONLY))
TRY(write_journal, opened(path_in(mine, "pop3d/journal"), O_WRONLY))
TRY(open_symlink, opened(path_in(mine, "cur/link"), O_RDONLY))
TRY(open_dotdot, opened(path_in(mine, "../other/cur/1"), O_RDONLY))
TRY(create_other, opened(path_in(other, "new/2"), O_WRONLY | O_CREAT))
TRY(create_tmp, opened(path_in(base, "made"), O_WRONLY | O_CREAT))
TRY(make_dir, outcome(mkdir(path_in(base, "dir"), 0700)))
TRY(unlink_other, outcome(unlink(path_in(other, "cur/2"))))
TRY(move_out, outcome(rename(path_in(mine, "cur/2"), path_in(other, "cur/3"))))
TRY(move_in, outcome(rename(path_in(other, "cur/4"), path_in(mine, "cur/4"))))
TRY_CALL(link_out, SYS_linkat, AT_FDCWD, path_in(mine, "cur/1"), AT_FDCWD,
    path_in(other, "cur/5"), 0)
TRY_CALL(link_in, SYS_linkat, AT_FDCWD, path_in(other, "cur/1"), AT_FDCWD,
    path_in(mine, "cur/6"), 0)
TRY_CALL(link_followed, SYS_linkat, AT_FDCWD, path_in(mine, "cur/1"), AT_FDCWD,
    path_in(mine, "cur/6"), AT_SYMLINK_FOLLOW)
TRY(symlink_in, outcome(symlink(accounts, path_in(mine, "cur/5"))))
TRY(make_fifo, outcome(mkfifo(path_in(mine, "fifo"), 0600)))
TRY(chmod_other, outcome(chmod(path_in(other, "cur/1"), 0666)))
TRY(chown_mine, outcome(chown(path_in(mine, "cur/1"), (uid_t)-1, (gid_t)-1)))
TRY(truncate_other, outcome(truncate(path_in(other, "cur/1"), 0)))
TRY(touch_other, outcome(utimensat(AT_FDCWD, path_in(other, "cur/1"), NULL, 0)))
TRY_CALL(handle_open, SYS_open_by_handle_at, -1, NULL, 0)
TRY(stat_outside,
    outcome(
	syscall(SYS_newfstatat, AT_FDCWD, accounts, &(struct stat){ 0 }, 0)))

/* The network, and whatever else is at the end of a socket. */
static int
sent_to_receiver(int by_message)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct iovec iov = { &un, 1 };
	struct msghdr m = { .msg_name = &un,
		.msg_namelen = sizeof(un),
		.msg_iov = &iov,
		.msg_iovlen = 1 };

	strlcpy(un.sun_path, receiver, sizeof(un.sun_path));
	if (by_message)
		return outcome(sendmsg(logger, &m, 0));
	return outcome(
	    sendto(logger, "", 1, 0, (struct sockaddr *)&un, sizeof(un)));
}

static int
connect_logger(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	strlcpy(un.sun_path, receiver, sizeof(un.sun_path));
	return outcome(connect(logger, (struct sockaddr *)&un, sizeof(un)));
}

static int
bind_logger(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	return outcome(
	    bind(logger, (struct sockaddr *)&un, sizeof(un.sun_family)));
}

TRY(socket_inet, outcome(socket(AF_INET, SOCK_STREAM, 0)))
TRY(socket_unix, outcome(socket(AF_UNIX, SOCK_DGRAM, 0)))
TRY(socket_netlink, outcome(socket(AF_NETLINK, SOCK_RAW, 0)))
TRY(socket_pair, outcome(socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){ 0 })))
TRY(sendto_address, sent_to_receiver(0))
TRY(sendmsg_address, sent_to_receiver(1))
TRY_CALL(accept_call, SYS_accept4, channel[0], NULL, NULL, 0)

/* Other programs and processes. */
static int
exec_true(void)
{
	char *const argv[] = { (char *)(uintptr_t) "true", NULL };

	return outcome(execv("/bin/true", argv));
}

static int
after_fork(long pid)
{
	if (pid == 0)
		_exit(0);
	return outcome(pid);
}

static int
trace_victim(void)
{
	if (ptrace(PTRACE_ATTACH, victim, NULL, NULL) == -1)
		return errno;
	(void)waitpid(victim, NULL, __WALL);
	return outcome(ptrace(PTRACE_DETACH, victim, NULL, NULL));
}

static int
peek_victim(void)
{
	char c;
	struct iovec here = { &c, 1 }, there = { &base, 1 };

	return outcome(process_vm_readv(victim, &here, 1, &there, 1, 0));
}

static int
poke_victim(void)
{
	char c = '/';
	struct iovec here = { &c, 1 }, there = { &base, 1 };

	return outcome(process_vm_writev(victim, &here, 1, &there, 1, 0));
}

TRY_CALL(exec_at, SYS_execveat, -1, "/bin/true", NULL, NULL, 0)
TRY(fork_call, after_fork(fork()))
TRY(clone_call, after_fork(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)))
TRY_CALL(clone3_call, SYS_clone3, NULL, 0)
TRY(kill_victim, outcome(kill(victim, SIGCONT)))
TRY(kill_parent, outcome(kill(getppid(), 0)))
TRY(kill_all, outcome(kill(-1, 0)))
TRY_CALL(tgkill_victim, SYS_tgkill, victim, victim, SIGCONT)
TRY_CALL(queue_signal, SYS_rt_sigqueueinfo, victim, 0, NULL)
TRY_CALL(pidfd, SYS_pidfd_open, victim, 0)
TRY(own_signals, outcome(fcntl(channel[0], F_SETOWN, victim)))
TRY(trace_me, outcome(ptrace(PTRACE_TRACEME, 0, NULL, NULL)))

/* Privileges, and ways out of the chroot. */
TRY(set_uid, outcome(setresuid(0, 0, 0)))
TRY(set_gid, outcome(setresgid(0, 0, 0)))
TRY(set_groups, outcome(setgroups(1, (gid_t[1]){ 0 })))
TRY_CALL(cap_set, SYS_capset, NULL, NULL)
TRY(chroot_call, outcome(chroot(".")))
TRY(chdir_up, outcome(chdir("/")))
TRY(unshare_user, outcome(unshare(CLONE_NEWUSER)))
TRY(unshare_mount, outcome(unshare(CLONE_NEWNS)))
TRY_CALL(set_ns, SYS_setns, -1, 0)
TRY_CALL(mount_new, SYS_fsopen, "tmpfs", 0)
TRY_CALL(pivot, SYS_pivot_root, ".", ".")
TRY(dumpable, outcome(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)))
TRY(raise_limit, outcome(setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 })))
TRY(limit_processes,
    outcome(setrlimit(RLIMIT_NPROC, &(struct rlimit){ 0, 0 })))
TRY(dup_over_channel, outcome(dup2(STDERR_FILENO, channel[0])))
TRY(wait_for_child, waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ?
    0 : EPROTO)

static int
mount_call(void)
{
	if (mount("none", base, "tmpfs", MS_RDONLY, NULL) == -1)
		return errno;
	return outcome(umount(base));
}

/* The kernel's wider doors. */
TRY_CALL(io_uring, SYS_io_uring_setup, 1, &(char[256]){ 0 })
TRY_CALL(bpf_call, SYS_bpf, 0, &(uint32_t[18]){ 2, 4, 4, 1 }, 72)
TRY_CALL(keyctl_call, SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3, 1)
TRY_CALL(add_key, SYS_add_key, "user", "pop3d", "x", 1, -3)
TRY_CALL(perf, SYS_perf_event_open, NULL, 0, -1, -1, 0)
TRY_CALL(user_fault, SYS_userfaultfd, 0)
TRY_CALL(memfd, SYS_memfd_create, "x", 0)
TRY_CALL(ioctl_call, SYS_ioctl, channel[0], FIONREAD, &(int){ 0 })
TRY_CALL(ioctl_unread, SYS_ioctl, channel[0], SIOCOUTQ, &(int){ 0 })
TRY_CALL(sync_fs, SYS_syncfs, logger)
TRY_CALL(load_module, SYS_init_module, NULL, 0, "")
TRY_CALL(no_such_call, 4095)

static int
map_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int
protect_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return errno;
	return outcome(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

#ifdef __x86_64__
/* getpid(2), by the door of i386: its number is that of writev(2) here. */
static int
i386_call(void)
{
	long rv;

	__asm__ volatile("int $0x80" : "=a"(rv) : "a"(20) : "memory");
	return rv < 0 ? (int)-rv : 0;
}

TRY_CALL(x32_call, 0x40000000 | SYS_getpid)
#endif

/* What must go on working. */
static int
use_memory(void)
{
	size_t size;
	char *p = NULL, *q;

	for (size = 1; size < 64 << 20; size *= 2) {
		if ((q = realloc(p, size)) == NULL) {
			free(p);
			return ENOMEM;
		}
		p = q;
		memset(p, 1, size);
	}
	free(p);
	return outcome(getentropy(&size, sizeof(size)));
}

static int
use_time(void)
{
	struct pollfd p = { channel[0], POLLOUT, 0 };
	struct timespec t;

	if (clock_gettime(CLOCK_REALTIME, &t) == -1 ||
	    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t) == -1)
		return errno;
	return outcome(poll(&p, 1, 1000));
}

/* Both ways; the session and auth give and take no more than that. */
static int
use_channel(void)
{
	static struct message m;

	if (channel_send(channel[0], 1, "question", 8) == -1)
		return errno;
	if (channel_recv_fds(channel[0], &m) != 1)
		return errno;
	return channel_is(&m, 2, 6) ? 0 : EPROTO;
}

static int
use_verdict(void)
{
	return outcome(channel_send(verdict[0], 3, "verdict", 7));
}

/* As many descriptors as may come, read as the session reads them. */
static int
take_files(void)
{
	static struct message m;
	char c;

	do {
		if (channel_recv_fds(channel[0], &m) != 1)
			return errno;
	} while (m.nfd == 0);
	if (m.nfd != CHANNEL_MAX_FDS || read(m.fd[0], &c, 1) != 1)
		return EPROTO;
	while (m.nfd > 0)
		if (close(m.fd[--m.nfd]) == -1)
			return errno;
	return 0;
}

static int
read_accounts(void)
{
	char c;

	return pread(accounts_fd, &c, 1, 0) == 1 ? 0 : EIO;
}

/* Were they replaced? */
TRY_CALL(look_at_accounts, SYS_fstat, accounts_fd, &(struct stat){ 0 })
TRY_CALL(look_at_channel, SYS_fstat, channel[0], &(struct stat){ 0 })

/* With the socket that is there, and after syslogd was started anew. */
static int
use_log(void)
{
	syslog(LOG_DEBUG, "test of the sandbox");
	openlog("test_sandbox", LOG_PID | LOG_PERROR, LOG_MAIL);
	syslog(LOG_DEBUG, "test of the sandbox");
	closelog();
	syslog(LOG_DEBUG, "test of the sandbox");
	return outcome(send(logger, "test", 4, MSG_NOSIGNAL));
}

static int
use_mailbox(void)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path_in(mine, "pop3d/lock"), O_RDWR | O_CREAT, 0600);
	DIR *dir = opendir(path_in(mine, "new"));

	if (fd == -1 || dir == NULL || fcntl(fd, F_SETLK, &fl) == -1 ||
	    pwrite(fd, "clean", 5, 0) != 5 || fdatasync(fd) == -1 ||
	    fsync(fd) == -1 || ftruncate(fd, 0) == -1 || readdir(dir) == NULL ||
	    linkat(AT_FDCWD, path_in(mine, "new/1"), AT_FDCWD,
		path_in(mine, "cur/6"), 0) == -1 ||
	    unlink(path_in(mine, "cur/6")) == -1 ||
	    rename(path_in(mine, "new/1"), path_in(mine, "cur/1:2,")) == -1 ||
	    renameat2(AT_FDCWD, path_in(mine, "cur/1"), AT_FDCWD,
		path_in(mine, "cur/6"), RENAME_NOREPLACE) == -1 ||
	    futimens(dirfd(dir), NULL) == -1 ||
	    unlink(path_in(mine, "cur/1:2,")) == -1 ||
	    mkdir(path_in(mine, "pop3d/sub"), 0700) == -1 ||
	    channel_send_fds(channel[0], 4, NULL, 0, &fd, 1) == -1)
		return errno;
	return 0;
}

#define ALL(what)                      \
	{                              \
		what, what, what, what \
	}
#define K KILLED

static const struct attempt attempts[] = {
	{ "memory, random numbers", use_memory, ALL(WORKS), MUST },
	{ "time, poll", use_time, ALL(WORKS), MUST },
	{ "channel", use_channel, { WORKS, WORKS, WORKS, K }, MUST },
	{ "descriptors by channel", take_files, ALL(WORKS), MUST },
	{ "syslog, syslogd started anew", use_log, ALL(WORKS), MUST },
	{ "verdict to the parent", use_verdict, { K, WORKS, K, K }, MUST },
	{ "accounts, already open", read_accounts,
	    { K, WORKS, WORKS, WORKS }, MUST },
	{ "links of the accounts", look_at_accounts,
	    { REFUSED, WORKS, WORKS, WORKS }, MUST },
	{ "fstat of the channel", look_at_channel,
	    { REFUSED, REFUSED, WORKS, WORKS }, MUST },
	{ "own mailbox", use_mailbox, { K, K, WORKS, EACCES }, MUST },
	{ "own journal", read_journal, { K, K, WORKS, WORKS }, MUST },
	{ "own mail", read_mail, { K, K, WORKS, EACCES }, MUST },
	{ "write to own journal", write_journal, { K, K, WORKS, EACCES },
	    MUST },
	{ "sync a file system", sync_fs, { K, K, WORKS, K }, MUST },

	{ "open /etc/passwd", open_passwd, { K, K, EACCES, EACCES }, MUST },
	{ "open /", open_root, { K, K, EACCES, EACCES }, MUST },
	{ "open /proc/self/status", open_proc, { K, K, EACCES, EACCES }, MUST },
	{ "open /proc/self/mem", open_proc_mem,
	    { K, K, EACCES, EACCES }, MUST_ROOT },
	{ "open accounts", open_accounts, { K, K, EACCES, EACCES }, MUST },
	{ "open TLS key", open_key, { K, K, EACCES, EACCES }, MUST },
	{ "open other mailbox's mail", open_other,
	    { K, K, EACCES, EACCES }, MUST },
	{ "  by ..", open_dotdot, { K, K, EACCES, EACCES }, MUST },
	{ "list other mailbox", open_other_dir,
	    { K, K, EACCES, EACCES }, MUST },
	{ "symlink in own mailbox", open_symlink,
	    { K, K, EACCES, EACCES }, MUST },
	{ "create in other mailbox", create_other,
	    { K, K, EACCES, EACCES }, MUST },
	{ "create elsewhere", create_tmp, { K, K, EACCES, EACCES }, MUST },
	{ "mkdir elsewhere", make_dir, { K, K, EACCES, K }, MUST },
	{ "unlink in other mailbox", unlink_other, { K, K, EACCES, K }, MUST },
	{ "rename to other mailbox", move_out, { K, K, EACCES, K }, MUST },
	{ "rename from other mailbox", move_in, { K, K, EACCES, K }, MUST },
	{ "touch in other mailbox", touch_other, ALL(K), MUST },
	{ "link to other mailbox", link_out, { K, K, EACCES, K }, MUST },
	{ "link from other mailbox", link_in, { K, K, EXDEV, K }, MUST },
	{ "link with flags", link_followed, ALL(K), MUST },
	{ "symlink", symlink_in, ALL(K), MUST },
	{ "mkfifo", make_fifo, ALL(K), MUST },
	{ "chmod", chmod_other, ALL(K), MUST },
	{ "chown", chown_mine, ALL(K), MUST },
	{ "truncate", truncate_other, ALL(K), MUST },
	{ "open_by_handle_at", handle_open, ALL(K), NONE },
	{ "stat elsewhere", stat_outside,
	    { REFUSED, REFUSED, WORKS, WORKS }, MUST },

	{ "socket inet", socket_inet, ALL(REFUSED), MUST },
	{ "socket unix", socket_unix, ALL(REFUSED), MUST },
	{ "socket netlink", socket_netlink, ALL(REFUSED), MUST },
	{ "socketpair", socket_pair, ALL(K), MUST },
	{ "connect", connect_logger, ALL(REFUSED), MUST },
	{ "bind", bind_logger, ALL(K), MUST },
	{ "sendto an address", sendto_address, ALL(K), MUST },
	{ "sendmsg to an address", sendmsg_address, ALL(K), MUST },
	{ "accept", accept_call, ALL(K), NONE },

	{ "execve", exec_true, ALL(K), MUST },
	{ "execveat", exec_at, ALL(K), NONE },
	{ "fork", fork_call, ALL(K), MUST },
	{ "clone", clone_call, ALL(K), MUST },
	{ "clone3", clone3_call, ALL(K), NONE },
	{ "kill same user's process", kill_victim, ALL(K), MUST },
	{ "kill parent", kill_parent, ALL(K), MUST_ROOT },
	{ "kill everybody", kill_all, ALL(K), MUST },
	{ "tgkill", tgkill_victim, ALL(K), MUST },
	{ "rt_sigqueueinfo", queue_signal, ALL(K), NONE },
	{ "pidfd_open", pidfd, ALL(K), SHOW },
	{ "fcntl F_SETOWN", own_signals, ALL(K), MUST },
	{ "ptrace same user's process", trace_victim, ALL(K), SHOW },
	{ "ptrace me", trace_me, ALL(K), SHOW },
	{ "process_vm_readv", peek_victim, ALL(K), SHOW },
	{ "process_vm_writev", poke_victim, ALL(K), SHOW },

	{ "setresuid 0", set_uid, ALL(K), MUST_ROOT },
	{ "setresgid 0", set_gid, ALL(K), MUST_ROOT },
	{ "setgroups", set_groups, ALL(K), MUST_ROOT },
	{ "capset", cap_set, ALL(K), NONE },
	{ "chroot", chroot_call, ALL(K), SHOW_ROOT },
	{ "chdir /", chdir_up, ALL(K), MUST },
	{ "unshare user", unshare_user, ALL(K), SHOW },
	{ "unshare mounts", unshare_mount, ALL(K), SHOW_ROOT },
	{ "setns", set_ns, ALL(K), NONE },
	{ "mount", mount_call, ALL(K), SHOW_ROOT },
	{ "fsopen", mount_new, ALL(K), SHOW_ROOT },
	{ "pivot_root", pivot, ALL(K), NONE },
	{ "prctl dumpable", dumpable, ALL(K), MUST },
	{ "setrlimit", raise_limit, ALL(K), MUST },
	{ "setrlimit of processes", limit_processes, ALL(K), MUST },
	{ "wait for a child", wait_for_child, ALL(K), MUST },
	{ "dup2", dup_over_channel, ALL(K), MUST },

	{ "mmap PROT_EXEC", map_exec, ALL(K), MUST },
	{ "mprotect PROT_EXEC", protect_exec, ALL(K), MUST },
	{ "io_uring_setup", io_uring, ALL(K), SHOW },
	{ "bpf", bpf_call, ALL(K), SHOW_ROOT },
	{ "keyctl", keyctl_call, ALL(K), SHOW },
	{ "add_key", add_key, ALL(K), SHOW },
	{ "perf_event_open", perf, ALL(K), NONE },
	{ "userfaultfd", user_fault, ALL(K), SHOW_ROOT },
	{ "memfd_create", memfd, ALL(K), SHOW },
	{ "ioctl", ioctl_call, ALL(REFUSED), MUST },
	{ "ioctl: unread by the other end", ioctl_unread,
	    { REFUSED, REFUSED, WORKS, REFUSED }, MUST },
	{ "init_module", load_module, ALL(K), NONE },
	{ "a call that does not exist", no_such_call, ALL(K), NONE },
#ifdef __x86_64__
	{ "i386 system call", i386_call, ALL(K), SHOW },
	{ "x32 system call", x32_call, ALL(K), SHOW },
#endif
};

static int
is_owner(enum process who)
{
	return who == STORE || who == READER || who == CLERK || who == OWNER;
}

/* The processes, as pop3d starts them. */
static int
become(enum process who)
{
	/* The clerk stays root, and loses what root can do. */
	if (!root || who == STARTER || who == CLERK)
		return 0;
	return privdrop(ids[who], (gid_t)ids[who],
	    is_owner(who) ? NULL : EMPTY_DIR);
}

static int
enter(enum process who, int required)
{
	switch (who) {
	case SESSION:
		return sandbox_session(channel[0], required);
	case AUTH:
		return sandbox_auth(
		    channel[0], verdict[0], -1, accounts_fd, required);
	case SASL:
		return sandbox_sasl(channel[0], required);
	case KEYS:
		return sandbox_keys(channel[0], required);
	case KEPT:
		return sandbox_keys(channel[0], required) == -1 ? -1 :
		    sandbox_session_kept(channel[0], required);
	case WEB:
		return sandbox_web(required);
	case STORE:
		return sandbox_store(mine, channel[0], required);
	case DESK:
		return sandbox_desk(channel[0], required);
	case JUDGE:
		return sandbox_judge(channel[0], verdict[0], -1, required);
	case CLERK:
		return sandbox_clerk(mine, channel[0], verdict[0], required);
	case READER:
		return sandbox_reader(
		    (const char *[]) { path_in(mine, "pop3d") }, 1, required);
	default:
		return 0;
	}
}

/* Is all of the sandbox there, so that nothing less will do? */
static int
whole_sandbox(void)
{
	return landlock && !SANITIZED;
}

static void
make_file(const char *dir, const char *name, const char *text)
{
	int fd = open(path_in(dir, name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd == -1 || write(fd, text, strlen(text)) == -1 ||
	    (root && fchown(fd, files_owner, (gid_t)files_owner) == -1))
		err(1, "%s/%s", dir, name);
	close(fd);
}

static void
make_directory(const char *dir)
{
	if (mkdir(dir, 0755) == -1 && errno != EEXIST)
		err(1, "%s", dir);
	if (root && chown(dir, files_owner, (gid_t)files_owner) == -1)
		err(1, "%s", dir);
}

static void
make_maildir(const char *dir)
{
	make_directory(dir);
	make_directory(path_in(dir, "new"));
	make_directory(path_in(dir, "cur"));
	make_directory(path_in(dir, "pop3d"));
	make_file(dir, "new/1", "mail\n");
	make_file(dir, "cur/1", "mail\n");
	make_file(dir, "cur/2", "mail\n");
	make_file(dir, "cur/4", "mail\n");
	make_file(dir, "pop3d/journal", "journal\n");
}

/*
 * All belongs to the mailboxes' owner, or root where the clerk is tried: it is
 * Landlock and nothing else that keeps them off it.
 */
static void
make_files(void)
{
	make_directory(base);
	make_file(base, "accounts.db", "accounts\n");
	make_file(base, "key.pem", "key\n");
	make_maildir(mine);
	make_maildir(other);
	if (symlink(accounts, path_in(mine, "cur/link")) == -1 &&
	    errno != EEXIST)
		err(1, "symlink");
}

/* Takes away what an attempt that succeeded has left. */
static void
clean(void)
{
	static const char *const left[] = { "made", "mine/cur/1:2,",
		"mine/cur/5", "mine/cur/6", "mine/fifo", "mine/pop3d/lock",
		"other/cur/3", "other/cur/5", "other/new/2" };
	size_t i;

	for (i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		(void)unlink(path_in(base, left[i]));
	(void)rmdir(path_in(base, "dir"));
	(void)rmdir(path_in(mine, "pop3d/sub"));
}

static void
remove_files(void)
{
	static const char *const files[] = { "accounts.db", "key.pem",
		"mine/new/1", "mine/cur/1", "mine/cur/2", "mine/cur/4",
		"mine/cur/link", "mine/pop3d/journal", "other/new/1",
		"other/cur/1", "other/cur/2",
		"other/cur/4", "other/pop3d/journal", "log" };
	static const char *const dirs[] = { "mine/new", "mine/cur",
		"mine/pop3d", "mine", "other/new", "other/cur", "other/pop3d",
		"other" };
	size_t i;

	clean();
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)unlink(path_in(base, files[i]));
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		(void)rmdir(path_in(base, dirs[i]));
	if (rmdir(base) == -1)
		warn("%s", base);
}

/* A connected datagram socket, as syslog(3) keeps one; and its other end. */
static int
make_logger(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	strlcpy(un.sun_path, receiver, sizeof(un.sun_path));
	logger = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) == -1 ||
	    chmod(receiver, 0777) == -1 ||
	    connect(logger, (struct sockaddr *)&un, sizeof(un)) == -1)
		err(1, "%s", receiver);
	return fd;
}

/* Somebody with the same uid, who has nothing against being traced. */
static int
make_victim(enum process who)
{
	pid_t pid = fork();

	if (pid == -1)
		err(1, "fork");
	if (pid > 0)
		return (int)pid;
	if (become(who) == -1)
		_exit(1);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	for (;;)
		pause();
}

static void
make_channels(void)
{
	int fd[CHANNEL_MAX_FDS], i;

	if (channel_pair(channel) == -1 || channel_pair(verdict) == -1)
		err(1, "socketpair");
	for (i = 0; i < CHANNEL_MAX_FDS; i++)
		if ((fd[i] = open(key, O_RDONLY)) == -1)
			err(1, "%s", key);
	if (channel_send_fds(channel[1], 2, "answer", 6, fd, CHANNEL_MAX_FDS) ==
	    -1)
		err(1, "sendmsg");
	for (i = 0; i < CHANNEL_MAX_FDS; i++)
		close(fd[i]);
}

static void
close_channels(void)
{
	close(channel[0]);
	close(channel[1]);
	close(verdict[0]);
	close(verdict[1]);
}

/* What became of a child: KILLED, DIED or what it said. */
static int
verdict_on(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			err(1, "waitpid");
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? KILLED : DIED;
	if (*result != NOTHING)
		return *result;
	/* It exited as somebody else: execve(2) worked. */
	return WEXITSTATUS(status) == 0 ? WORKS : DIED;
}

/* As in pop3d, standard error is no file; and a device, as a terminal is. */
static void
redirect_stderr(void)
{
	int null = open("/dev/null", O_RDWR);

	if (null == -1 || dup2(null, STDERR_FILENO) == -1)
		err(1, "/dev/null");
	close(null);
}

static int
attempt_as(const struct attempt *a, enum process who)
{
	char buf[64];
	int seen;
	pid_t pid;

	files_owner = who == CLERK ? 0 : ids[STORE];
	make_files();
	make_channels();
	*result = NOTHING;
	victim = victims[is_owner(who)];
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		alarm(60); /* none should wait for anything */
		redirect_stderr();
		if (become(who) == -1 || enter(who, whole_sandbox()) == -1)
			_exit(1);
		*result = a->try();
		_exit(0);
	}
	seen = verdict_on(pid);
	/* Few datagrams wait for whoever does not read them. */
	while (recv(log_end, buf, sizeof(buf), 0) >= 0)
		continue;
	close_channels();
	clean();
	return seen;
}

static const char *
word(int outcome_seen)
{
	switch (outcome_seen) {
	case KILLED:
		return "killed";
	case DIED:
		return "DIED";
	case WORKS:
		return "works";
	default:
		return strerrorname_np(outcome_seen);
	}
}

/* One cell of the table: 1 if it is not as expected. */
static int
cell(int expected, int seen)
{
	if (seen == expected) {
		printf("  %-20s", word(seen));
		return 0;
	}
	printf("  %s, NOT ", word(seen));
	printf("%-*s", (int)(14 - strlen(word(seen))), word(expected));
	return 1;
}

static int
control(const struct attempt *a)
{
	int as_root = a->control == SHOW_ROOT || a->control == MUST_ROOT;
	int seen;

	if (a->control == NONE || (as_root && !root)) {
		printf("  -");
		return 0;
	}
	seen = attempt_as(a, as_root ? STARTER : OWNER);
	if (a->control == MUST || a->control == MUST_ROOT)
		return cell(WORKS, seen);
	printf("  (%s)", word(seen));
	return 0;
}

/* A kernel built without a door kills whoever tries it, boxed in or not. */
static int
dies_anyway(const struct attempt *a)
{
	return a->control == SHOW && attempt_as(a, OWNER) == DIED;
}

/* Does only the filter's half of the sandbox count there? */
static int
is_shown_only(enum process who, int expected)
{
	const int filtered = expected == KILLED || expected == REFUSED;

	return (SANITIZED && filtered) ||
	    (!landlock && is_owner(who) &&
		expected != WORKS && !filtered);
}

/* What keys does for its sessions, and nobody else does. */
static int
is_for_keys(const struct attempt *a)
{
	return a->try == fork_call || a->try == clone_call ||
	    a->try == limit_processes || a->try == wait_for_child ||
	    a->try == dup_over_channel;
}

static int
expected_of(const struct attempt *a, enum process who)
{
	/* It has one socket, and write(2) for that. */
	if (who == WEB && a->try == use_channel)
		return KILLED;
	if (who == KEYS && is_for_keys(a))
		return WORKS;
	/* The store has one channel, and looks how much of it is unread. */
	if (who == CLERK && a->try == use_verdict)
		return WORKS;
	if (who == CLERK && a->try == ioctl_unread)
		return REFUSED;
	if (who == CLERK)
		return a->expected[STORE];
	/* Its accounts' links are not counted. */
	if (who == JUDGE && a->try == look_at_accounts)
		return REFUSED;
	if (who == JUDGE)
		return a->expected[AUTH];
	return a->expected[who >= SASL ? SESSION : who];
}

static int
row(const struct attempt *a)
{
	int bad = 0, expected, seen, dies = dies_anyway(a);
	enum process who;

	printf("%-30s", a->name);
	for (who = SESSION; who < PROCESSES; who++) {
		seen = attempt_as(a, who);
		expected = dies ? DIED : expected_of(a, who);
		if (is_shown_only(who, expected))
			printf("  (%s)%*s", word(seen),
			    (int)(18 - strlen(word(seen))), "");
		else
			bad +=
			    cell(expected == REFUSED ? EACCES : expected, seen);
	}
	bad += control(a);
	printf("\n");
	return bad;
}

/* From outside: a line of /proc/PID/file that begins so. */
static int
proc_says(pid_t pid, const char *file, const char *beginning)
{
	char path[64], line[256];
	int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, file);
	if ((f = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	while (!found && fgets(line, sizeof(line), f) != NULL)
		found = strncmp(line, beginning, strlen(beginning)) == 0;
	fclose(f);
	printf("  %-58s%s\n", beginning, found ? "yes" : "NO");
	return !found;
}

/* A process that may not be dumped has files in /proc that are root's. */
static int
not_dumpable(pid_t pid)
{
	char path[64];
	struct stat st;
	int good;

	snprintf(path, sizeof(path), "/proc/%ld/environ", (long)pid);
	good = stat(path, &st) == 0 && st.st_uid == 0;
	printf("  %-58s%s\n", "not dumpable", good ? "yes" : "NO");
	return !good;
}

static int
inspect(enum process who, pid_t pid)
{
	int bad = proc_says(pid, "status", "NoNewPrivs:\t1");

	if (!SANITIZED)
		bad += proc_says(pid, "status", "Seccomp:\t2");
	if (root)
		bad += proc_says(pid, "status", "CapEff:\t0000000000000000");
	bad += proc_says(
	    pid, "limits", "Max core file size        0                    0 ");
	if (who != KEYS)
		bad += proc_says(pid, "limits",
		    "Max processes             0                    0 ");
	if ((who == KEYS || who == KEPT) && !SANITIZED)
		bad += proc_says(pid, "limits",
		    "Max data size             67108864             67108864 ");
	if (!is_owner(who)) {
		bad += proc_says(pid, "limits",
		    "Max file size             0                    0 ");
		bad += proc_says(pid, "limits",
		    "Max open files            32                   32 ");
	}
	return bad + not_dumpable(pid);
}

static int
from_outside(enum process who)
{
	static const char *const names[] = { "session", "auth", "store",
		"reader", "sasl", "keys", "session of keys", "desk", "judge",
		"web", "clerk" };
	static const uint32_t entered_it = 1; /* the type of a message */
	static struct message m;
	int bad;
	pid_t pid;

	make_channels();
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		redirect_stderr();
		close(channel[1]);
		if (become(who) == -1 || enter(who, whole_sandbox()) == -1 ||
		    write(channel[0], &entered_it, sizeof(entered_it)) == -1)
			_exit(1);
		while (channel_recv(channel[0], &m) == 1)
			continue;
		_exit(0);
	}
	if (channel_recv_fds(channel[1], &m) != 1)
		err(1, "%s: no sandbox", names[who]);
	printf("%s from outside:\n", names[who]);
	bad = inspect(who, pid);
	close_channels();
	(void)waitpid(pid, NULL, 0);
	return bad;
}

enum { SECCOMP, LANDLOCK };

/* A kernel without: the call fails as it does there. */
static void
take_away(unsigned int call, unsigned int first, unsigned int error)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, first, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(rules) / sizeof(rules[0]), rules };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == -1)
		err(1, "seccomp");
}

/* Without required it takes what there is; with it, it refuses. */
static int
entered(enum process who, int without, int needs_all)
{
	int status;
	pid_t pid;

	make_channels();
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		if (become(who) == -1)
			_exit(2);
		if (without == LANDLOCK)
			take_away(SYS_landlock_create_ruleset, 0, ENOSYS);
		else
			take_away(SYS_prctl, PR_SET_SECCOMP, EINVAL);
		if (enter(who, needs_all) == -1)
			_exit(1);
		/* The other half is there all the same. */
		_exit(without == LANDLOCK || !landlock ||
			    open_root() == EACCES ? 0 : 3);
	}
	(void)waitpid(pid, &status, 0);
	close_channels();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 4;
}

static int
degrades(void)
{
	int bad = 0, good, without, needs_all;
	enum process who;

	for (who = SESSION; who < PROCESSES; who++)
		for (without = SECCOMP; without <= LANDLOCK; without++)
			for (needs_all = 0; needs_all < 2; needs_all++) {
				good = entered(who, without, needs_all) ==
				    needs_all;
				printf("process %d without %s, %s: %s\n", who,
				    without == LANDLOCK ? "Landlock" :
							  "seccomp",
				    needs_all ? "required" : "not required",
				    good ? "yes" : "NO");
				bad += !good;
			}
	return bad;
}

static void
prepare(void)
{
	root = geteuid() == 0;
	umask(022);
	if (mkdtemp(base) == NULL || chmod(base, 0711) == -1)
		err(1, "%s", base);
	strlcpy(mine, path_in(base, "mine"), sizeof(mine));
	strlcpy(other, path_in(base, "other"), sizeof(other));
	strlcpy(accounts, path_in(base, "accounts.db"), sizeof(accounts));
	strlcpy(key, path_in(base, "key.pem"), sizeof(key));
	strlcpy(receiver, path_in(base, "log"), sizeof(receiver));
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (result == MAP_FAILED)
		err(1, "mmap");
	make_files();
	if ((accounts_fd = open(accounts, O_RDONLY)) == -1)
		err(1, "%s", accounts);
	victims[0] = make_victim(SESSION);
	victims[1] = make_victim(STORE);
}

int
main(void)
{
	enum process who;
	int bad = 0, i;
	size_t n;

	log_open("test_sandbox", 0);
	landlock = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION) >= 2;
	prepare();
	log_end = make_logger();
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("%s%s%s\n%-30s  %-20s  %-20s  %-20s  %-20s  %-20s  %-20s  "
	    "%-20s  %-20s  %-20s  %-20s  %-20s  %s\n",
	    root ? "started by root" : "not started by root",
	    SANITIZED ? "; sanitizers: built without seccomp" : "",
	    landlock ? "" : "; a kernel without Landlock", "attempt",
	    "session", "auth", "store", "reader", "sasl", "keys",
	    "session of keys", "desk", "judge", "web", "clerk",
	    "without sandbox");
	for (n = 0; n < sizeof(attempts) / sizeof(attempts[0]); n++)
		bad += row(&attempts[n]);
	for (who = SESSION; who < PROCESSES; who++)
		bad += from_outside(who);
	bad += degrades();
	for (i = 0; i < 2; i++)
		kill(victims[i], SIGKILL);
	remove_files();
	printf("%d difference%s\n", bad, bad == 1 ? "" : "s");
	return bad != 0;
}
