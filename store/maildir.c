#include <sys/types.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/directory.h"
#include "common/wire.h"
#include "store/dir.h"
#include "store/maildir.h"

#define STAMP_AGE_NS (2 * CLOCK_NS)
#define READ_OCTETS  65536
#define ASK_OCTETS   (4 << 20)

/* What may pass until a file system's clock gives another time. */
#define GRAIN_NS	(CLOCK_NS / 10)
#define SECOND_GRAIN_NS (21 * CLOCK_NS / 10)

#define UIDL_HASHED  '=' /* a base name that begins so is hashed itself */

static const char *const subdirs[] = { "new", "cur" };

static int64_t
to_ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * CLOCK_NS + t->tv_nsec;
}

int
maildir_make(const char *path)
{
	static const char *const names[] = { "tmp", "new", "cur" };
	char sub[PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((size_t)snprintf(sub, sizeof(sub), "%s/%s", path,
			names[i]) >= sizeof(sub))
			return ENAMETOOLONG;
		if (directory_make(sub, 0700, 0700) == -1)
			return errno;
	}
	return 0;
}

void
maildir_make_at_home(const char *path)
{
	char home[PATH_MAX], *slash;

	if (strlcpy(home, path, sizeof(home)) >= sizeof(home) ||
	    (slash = strrchr(home, '/')) == NULL)
		return;
	*slash = '\0';
	if (access(home, F_OK) == 0 && access(path, F_OK) == -1)
		(void)maildir_make(path);
}

static int
open_subdir(const char *path, enum subdir sub, int *fd)
{
	char name[PATH_MAX];

	if ((size_t)snprintf(name, sizeof(name), "%s/%s", path,
		subdirs[sub]) >= sizeof(name))
		return ENAMETOOLONG;
	*fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd == -1 ? errno : 0;
}

int
maildir_open(struct maildir *m, const char *path)
{
	enum subdir sub;
	int error;

	m->dir[NEW] = m->dir[CUR] = -1;
	m->error = 0;
	for (sub = NEW; sub <= CUR; sub++) {
		error = open_subdir(path, sub, &m->dir[sub]);
		if (error != 0 && error != ENOENT) {
			maildir_close(m);
			m->error = error;
			return error;
		}
	}
	return 0;
}

int
maildir_reopen(struct maildir *m)
{
	int fd, sub;

	for (sub = NEW; sub <= CUR; sub++) {
		if (m->dir[sub] == -1)
			continue;
		fd = openat(
		    m->dir[sub], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd == -1)
			return errno;
		close(m->dir[sub]);
		m->dir[sub] = fd;
	}
	return 0;
}

void
maildir_close(struct maildir *m)
{
	int sub;

	for (sub = NEW; sub <= CUR; sub++) {
		if (m->dir[sub] != -1)
			close(m->dir[sub]);
		m->dir[sub] = -1;
	}
}

size_t
maildir_base(const char *name)
{
	const char *colon = strchr(name, ':');

	if (name[0] == '.')
		return 0;
	return colon != NULL ? (size_t)(colon - name) : strlen(name);
}

int64_t
maildir_delivered(const char *base)
{
	int64_t t = 0;

	for (; *base >= '0' && *base <= '9'; base++) {
		if (t > (INT64_MAX / CLOCK_NS - 9) / 10)
			return 0; /* no time, whatever it is */
		t = t * 10 + (*base - '0');
	}
	return t;
}

size_t
maildir_uidl(const char *base, int hashed, char uidl[UIDL_MAX + 1])
{
	char hex[SHA256_DIGEST_STRING_LENGTH], key[NAME_OCTETS + 1];
	const char *s = base;

	if (!hashed && *base != UIDL_HASHED) {
		while (*s >= 0x21 && *s <= 0x7e)
			s++;
		if (*s == '\0' && s > base && s - base <= UIDL_MAX) {
			memcpy(uidl, base, (size_t)(s - base) + 1);
			return (size_t)(s - base);
		}
	}
	/* No base name has a slash: the two kinds are never the same. */
	snprintf(key, sizeof(key), "%s%s", hashed ? "/" : "", base);
	SHA256Data((const uint8_t *)key, strlen(key), hex);
	snprintf(uidl, UIDL_MAX + 1, "%c%s", UIDL_HASHED, hex);
	return sizeof(hex);
}

/* Different numbers for what differs in either, as good as always. */
static int64_t
both_times(const struct stat *st)
{
	uint64_t modified = (uint64_t)to_ns(&st->st_mtim);

	return (int64_t)(modified ^ (uint64_t)to_ns(&st->st_ctim) << 1);
}

int64_t
maildir_time(const struct maildir *m, enum subdir sub, int64_t *last)
{
	int64_t modified, changed;
	struct stat st;

	if (last != NULL)
		*last = TIME_ABSENT;
	if (m->dir[sub] == -1)
		return TIME_ABSENT;
	if (fstat(m->dir[sub], &st) == -1)
		return 0;
	modified = to_ns(&st.st_mtim);
	changed = to_ns(&st.st_ctim);
	if (last != NULL)
		*last = modified > changed ? modified : changed;
	return both_times(&st);
}

/* Whether got is what is left of time in a file system of coarse times. */
static int
is_coarse(int64_t got, int64_t time)
{
	return got == time || got == time - time % CLOCK_NS;
}

/*
 * The present time is asked of the file system once more, rather than taken
 * from what cur/ has: others may have given it any, even one that is yet to
 * come.  What cur/ has afterwards may be the time of somebody's change that
 * came between the two calls and has not been announced yet: it is compared
 * with what was set, and never taken on trust.  Microseconds are what every
 * file system keeps that keeps more than seconds.
 */
int64_t
maildir_stamp(const struct maildir *m)
{
	struct timespec t[2];
	struct stat st;
	int64_t past;

	if (m->dir[CUR] == -1)
		return 0;
	past = maildir_now(m->dir[CUR]) - STAMP_AGE_NS;
	past -= past % 1000;
	if (past <= TIME_ABSENT)
		return 0;
	t[0].tv_sec = 0;
	t[0].tv_nsec = UTIME_OMIT;
	t[1].tv_sec = past / CLOCK_NS;
	t[1].tv_nsec = past % CLOCK_NS;
	if (futimens(m->dir[CUR], t) == -1 || fstat(m->dir[CUR], &st) == -1)
		return 0;
	return is_coarse(to_ns(&st.st_mtim), past) ? both_times(&st) : 0;
}

/* Without a time of ours the server of a file system takes its own. */
int64_t
maildir_now(int fd)
{
	struct stat st;

	if (futimens(fd, NULL) == -1 || fstat(fd, &st) == -1)
		return 0;
	return to_ns(&st.st_mtim);
}

/*
 * A time that is a whole second may be one of a file system that knows no
 * fractions, or, as FAT, every second second only.
 */
int
maildir_is_past(int64_t time, int64_t now)
{
	int64_t grain = time % CLOCK_NS == 0 ? SECOND_GRAIN_NS : GRAIN_NS;

	return time != 0 && now > grain && time < now - grain;
}

#ifdef STATX_BTIME
int64_t
maildir_born(const struct maildir *m, enum subdir sub, const char *name)
{
	struct statx sx;

	if (statx(m->dir[sub], name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &sx) ==
		-1 || (sx.stx_mask & STATX_BTIME) == 0)
		return 0;
	return sx.stx_btime.tv_sec * CLOCK_NS + sx.stx_btime.tv_nsec;
}
#else
int64_t
maildir_born(const struct maildir *m, enum subdir sub, const char *name)
{
	(void)m;
	(void)sub;
	(void)name;
	return 0;
}
#endif

int
maildir_file(
    const struct maildir *m, enum subdir sub, const char *name, int *fd)
{
	struct stat st;
	int error;

	if (m->dir[sub] == -1)
		return ENOENT;
	*fd = openat(m->dir[sub], name,
	    O_RDONLY | NO_WAITING);
	if (*fd == -1)
		return errno == ELOOP ? EINVAL : errno;
	error = fstat(*fd, &st) == -1 ? errno :
	    S_ISREG(st.st_mode) ? 0 : EINVAL;
	if (error != 0) {
		close(*fd);
		*fd = -1;
	}
	return error;
}

/* Reads and counts the whole file; its size is what was read. */
static int
count_octets(int fd, off_t expected, struct wire *w, uint64_t *size,
    int (*given_up)(void *), void *arg)
{
	static char data[READ_OCTETS];
	const char *in;
	uint64_t asked = 0;
	size_t len;
	ssize_t n;

	for (*size = 0; (n = read(fd, data, sizeof(data))) != 0;) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno;
		in = data;
		len = (size_t)n;
		wire_convert(w, &in, &len, NULL, SIZE_MAX);
		*size += (uint64_t)n;
		if (n == expected)
			break; /* all at once: spare the read that says so */
		if (given_up != NULL && *size - asked >= ASK_OCTETS) {
			asked = *size;
			if (given_up(arg))
				return ECANCELED;
		}
	}
	return 0;
}

int
maildir_measure(int fd, struct measured *m, int (*given_up)(void *), void *arg)
{
	struct stat st;
	struct wire w;
	int error;

	if (fstat(fd, &st) == -1)
		return errno;
	wire_init(&w, WIRE_ALL);
	error = count_octets(fd, st.st_size, &w, &m->size, given_up, arg);
	if (error != 0)
		return error;
	wire_finish(&w, NULL);
	m->octets = w.octets;
	/* It changes as we look: by its time it will be looked at again. */
	if (m->size != (uint64_t)st.st_size && fstat(fd, &st) == -1)
		return errno;
	m->modified = to_ns(&st.st_mtim);
	return 0;
}

/*
 * As good as a rename, where that would replace: for an instant the file has
 * both names.  Where the old one cannot be taken away, or is gone already
 * because others renamed it, the new one goes again.
 */
static int
link_and_unlink(int from_dir, const char *from, int to_dir, const char *to)
{
	int error;

	if (linkat(from_dir, from, to_dir, to, 0) == -1)
		return errno;
	if (unlinkat(from_dir, from, 0) == 0)
		return 0;
	error = errno;
	(void)unlinkat(to_dir, to, 0);
	return error;
}

int
maildir_place(int from_dir, const char *from, int to_dir, const char *to)
{
	if (from_dir == -1 || to_dir == -1)
		return ENOENT;
#ifdef RENAME_NOREPLACE
	if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != ENOSYS && errno != EINVAL)
		return errno; /* else: the kernel or the file system cannot */
#endif
	return link_and_unlink(from_dir, from, to_dir, to);
}

int
maildir_move(const struct maildir *m, enum subdir sub, const char *from,
    const char *to)
{
	return maildir_place(m->dir[sub], from, m->dir[CUR], to);
}

void
maildir_unique(int64_t delivered, char name[NAME_OCTETS])
{
	static unsigned int count;
	char host[65], *s;
	struct timespec t;

	if (gethostname(host, sizeof(host)) == -1)
		strlcpy(host, "localhost", sizeof(host));
	host[sizeof(host) - 1] = '\0';
	for (s = host; *s != '\0'; s++)
		if (*s == '/' || *s == ':')
			*s = '_';
	clock_gettime(CLOCK_REALTIME, &t);
	snprintf(name, NAME_OCTETS, "%lld.M%ldP%ldQ%uT%lld.%s",
	    (long long)delivered, t.tv_nsec / 1000, (long)getpid(), ++count,
	    (long long)t.tv_sec, host);
}

static int
search_subdir(int dir, const char *base, char name[NAME_OCTETS])
{
	struct dirent *d;
	size_t len = strlen(base);
	int fd, found = 0;
	DIR *dirp;

	if ((fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return 0;
	if ((dirp = fdopendir(fd)) == NULL) {
		close(fd);
		return 0;
	}
	while (!found && (d = readdir(dirp)) != NULL)
		found = maildir_base(d->d_name) == len &&
		    memcmp(d->d_name, base, len) == 0 &&
		    strlcpy(name, d->d_name, NAME_OCTETS) < NAME_OCTETS;
	closedir(dirp);
	return found;
}

int
maildir_search(const struct maildir *m, const char *base, enum subdir *sub,
    char name[NAME_OCTETS])
{
	static const enum subdir order[] = { CUR, NEW, CUR };
	size_t i;

	/* cur/ twice: it may have been moved there from new/ just now. */
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		*sub = order[i];
		if (m->dir[*sub] != -1 &&
		    search_subdir(m->dir[*sub], base, name))
			return 0;
	}
	return ENOENT;
}
