#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __OpenBSD__
#include <sys/sysctl.h>
#include <sys/time.h>
#endif

#include "store/lock.h"

#define SUSPICION   "suspicious\n"
#define MARK_OCTETS 1024
#define RETRY_MS    20

static char boot[128]; /* host and boot, no blanks; "": not known */

#ifdef __OpenBSD__
static int
read_boot(char *buf, size_t size)
{
	int mib[2] = { CTL_KERN, KERN_BOOTTIME };
	struct timeval t;
	size_t len = sizeof(t);

	if (sysctl(mib, 2, &t, &len, NULL, 0) == -1)
		return -1;
	snprintf(buf, size, "%lld.%06ld", (long long)t.tv_sec, t.tv_usec);
	return 0;
}
#else
static int
read_boot(char *buf, size_t size)
{
	ssize_t n;
	int fd;

	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n <= 0)
		return -1;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}
#endif

void
lock_learn_boot(void)
{
	char id[64], host[64];

	boot[0] = '\0';
	if (gethostname(host, sizeof(host)) == -1 ||
	    read_boot(id, sizeof(id)) == -1)
		return;
	host[sizeof(host) - 1] = '\0';
	snprintf(boot, sizeof(boot), "%s/%s", host, id);
}

static int
try_lock(int fd)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLK, &fl) == 0)
		return 0;
	return errno == EACCES ? EAGAIN : errno;
}

int
lock_take(struct lock *l, const char *dir, int wait_ms)
{
	static const struct timespec pause = { 0, RETRY_MS * 1000000 };
	char path[PATH_MAX];
	int error;

	l->fd = -1;
	if ((size_t)snprintf(path, sizeof(path), "%s/lock", dir) >=
		sizeof(path) ||
	    (size_t)snprintf(l->index, sizeof(l->index), "%s/index.db", dir) >=
		sizeof(l->index))
		return ENAMETOOLONG;
	l->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (l->fd == -1)
		return errno;
	while ((error = try_lock(l->fd)) == EAGAIN && wait_ms > 0) {
		nanosleep(&pause, NULL);
		wait_ms -= RETRY_MS;
	}
	if (error != 0)
		lock_release(l);
	return error;
}

void
lock_release(struct lock *l)
{
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
}

/*
 * The mark for this meta record and index.db as it is now, with its
 * checksum; its length, or 0 when there can be none.
 */
static size_t
compose(const struct lock *l, const struct meta *meta, char buf[MARK_OCTETS])
{
	const struct folder_meta *f = meta->folder;
	char sum[SHA256_DIGEST_STRING_LENGTH];
	struct stat st;
	int n;

	if (boot[0] == '\0' || stat(l->index, &st) == -1)
		return 0;
	n = snprintf(buf, MARK_OCTETS,
	    "clean %s %llu %llu %lld.%09ld %llu %llu"
	    " %llu %llu %lld %lld %lld %lld %llu %llu %lld %lld %lld %lld ",
	    boot, (unsigned long long)st.st_ino,
	    (unsigned long long)st.st_size, (long long)st.st_ctim.tv_sec,
	    st.st_ctim.tv_nsec, (unsigned long long)meta->next_sequence,
	    (unsigned long long)meta->expunging,
	    (unsigned long long)f[0].count, (unsigned long long)f[0].octets,
	    (long long)f[0].time[NEW], (long long)f[0].time[CUR],
	    (long long)f[0].read, (long long)f[0].from_now,
	    (unsigned long long)f[1].count, (unsigned long long)f[1].octets,
	    (long long)f[1].time[NEW], (long long)f[1].time[CUR],
	    (long long)f[1].read, (long long)f[1].from_now);
	if (n < 0 || (size_t)n + sizeof(sum) + 1 > MARK_OCTETS)
		return 0;
	SHA256Data((const uint8_t *)buf, (size_t)n, sum);
	return (size_t)n +
	    (size_t)snprintf(buf + n, MARK_OCTETS - (size_t)n, "%s\n", sum);
}

/* Takes the meta record out of a mark's text. */
static int
parse(const char *buf, struct meta *meta)
{
	struct folder_meta *f = &meta->folder[0];
	unsigned long long u[6];
	long long t[8];

	if (sscanf(buf,
		"clean %*s %*s %*s %*s %llu %llu"
		" %llu %llu %lld %lld %lld %lld %llu %llu %lld %lld %lld %lld",
		&u[0], &u[1], &u[2], &u[3], &t[0], &t[1], &t[2], &t[3], &u[4],
		&u[5], &t[4], &t[5], &t[6], &t[7]) != 14)
		return 0;
	*meta = (struct meta){ .next_sequence = u[0], .expunging = u[1] };
	f[0] = (struct folder_meta){ u[2], u[3], { t[0], t[1] }, t[2], t[3] };
	f[1] = (struct folder_meta){ u[4], u[5], { t[4], t[5] }, t[6], t[7] };
	return 1;
}

int
lock_read_mark(const struct lock *l, struct meta *meta)
{
	char text[MARK_OCTETS], expected[MARK_OCTETS];
	size_t len;
	ssize_t n;

	if (l->fd == -1 || (n = pread(l->fd, text, sizeof(text) - 1, 0)) <= 0)
		return 0;
	text[n] = '\0';
	if (!parse(text, meta))
		return 0;
	/* Believed if it is what we would write for the file as it is. */
	len = compose(l, meta, expected);
	return len == (size_t)n && memcmp(text, expected, len) == 0;
}

int
lock_write_mark(const struct lock *l, const struct meta *meta)
{
	char text[MARK_OCTETS];
	size_t len = compose(l, meta, text);
	int error;

	if (l->fd == -1 || len == 0)
		return 0; /* no mark: the next login does more work */
	if ((error = lock_clear_mark(l)) != 0)
		return error;
	if (pwrite(l->fd, text, len, 0) != (ssize_t)len) {
		error = errno;
		(void)lock_clear_mark(l);
		return error;
	}
	return 0;
}

int
lock_clear_mark(const struct lock *l)
{
	return l->fd != -1 && ftruncate(l->fd, 0) == -1 ? errno : 0;
}

int
lock_write_suspicion(const struct lock *l)
{
	int error;

	if ((error = lock_clear_mark(l)) != 0)
		return error;
	return pwrite(l->fd, SUSPICION, strlen(SUSPICION), 0) == -1 ?
	    errno : 0;
}

int
lock_is_suspicious(const struct lock *l)
{
	char text[sizeof(SUSPICION)];
	ssize_t n = pread(l->fd, text, sizeof(text), 0);

	return n == (ssize_t)strlen(SUSPICION) &&
	    memcmp(text, SUSPICION, (size_t)n) == 0;
}
