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

#include "common/wire.h"
#include "store/maildir.h"

#define NS	     1000000000LL
#define STAMP_AGE_NS NS
#define UIDL_HASHED  '=' /* a base name that begins so is hashed itself */

static const char *const subdirs[] = { "new", "cur" };

static int64_t
to_ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * NS + t->tv_nsec;
}

/* mkdir -p, for the owner alone. */
static int
make_path(const char *path)
{
	char copy[PATH_MAX], *slash;

	if (strlcpy(copy, path, sizeof(copy)) >= sizeof(copy))
		return ENAMETOOLONG;
	for (slash = copy + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		if (mkdir(copy, 0700) == -1 && errno != EEXIST)
			return errno;
		*slash = '/';
	}
	return mkdir(copy, 0700) == -1 && errno != EEXIST ? errno : 0;
}

static int
make_folder(const char *path)
{
	static const char *const names[] = { "tmp", "new", "cur" };
	char sub[PATH_MAX];
	size_t i;
	int error;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((size_t)snprintf(sub, sizeof(sub), "%s/%s", path,
			names[i]) >= sizeof(sub))
			return ENAMETOOLONG;
		if ((error = make_path(sub)) != 0)
			return error;
	}
	return 0;
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
maildir_open(struct maildir *m, const char *path, int create)
{
	enum subdir sub;
	int error;

	m->dir[NEW] = m->dir[CUR] = -1;
	m->error = 0;
	for (sub = NEW; sub <= CUR; sub++) {
		error = open_subdir(path, sub, &m->dir[sub]);
		if (error == ENOENT && create) {
			if ((error = make_folder(path)) == 0)
				error = open_subdir(path, sub, &m->dir[sub]);
		} else if (error == ENOENT)
			error = 0;
		if (error != 0) {
			maildir_close(m);
			m->error = error;
			return error;
		}
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
		if (t > (INT64_MAX / NS - 9) / 10)
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

int64_t
maildir_time(const struct maildir *m, enum subdir sub)
{
	struct stat st;

	if (m->dir[sub] == -1)
		return TIME_ABSENT;
	if (fstat(m->dir[sub], &st) == -1)
		return 0;
	return to_ns(&st.st_mtim);
}

int64_t
maildir_stamp(const struct maildir *m)
{
	struct timespec t[2];
	int64_t past;

	clock_gettime(CLOCK_REALTIME, &t[1]);
	past = to_ns(&t[1]) - STAMP_AGE_NS;
	t[0].tv_sec = 0;
	t[0].tv_nsec = UTIME_OMIT;
	t[1].tv_sec = past / NS;
	t[1].tv_nsec = past % NS;
	if (futimens(m->dir[CUR], t) == -1)
		return 0;
	return maildir_time(m, CUR); /* as coarse as the file system is */
}

int
maildir_file(
    const struct maildir *m, enum subdir sub, const char *name, int *fd)
{
	struct stat st;
	int error;

	if (m->dir[sub] == -1)
		return ENOENT;
	*fd = openat(m->dir[sub], name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
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

int
maildir_measure(int fd, uint64_t *octets, int64_t *modified)
{
	static char data[65536];
	struct stat st;
	struct wire w;
	const char *in;
	size_t len;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return errno;
	*modified = to_ns(&st.st_mtim);
	wire_init(&w, WIRE_ALL);
	while ((n = read(fd, data, sizeof(data))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno;
		in = data;
		len = (size_t)n;
		wire_convert(&w, &in, &len, NULL, SIZE_MAX);
		if (n == st.st_size)
			break; /* all at once: spare the read that says so */
	}
	wire_finish(&w, NULL);
	*octets = w.octets;
	return 0;
}

int
maildir_move(const struct maildir *m, const char *from, const char *to)
{
	return renameat(m->dir[NEW], from, m->dir[CUR], to) == -1 ? errno : 0;
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
