#include <sys/stat.h>

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/factors.h"
#include "common/directory.h"
#include "common/error.h"

#define VERSION 1
#define DIR	"/factors"
#define LOCK	"/lock"

/* Where the next octets go to, or come from. */
struct place {
	unsigned char *at;
};

struct from {
	const unsigned char *at;
	int bad;
};

static void
put(struct place *p, const void *data, size_t len)
{
	memcpy(p->at, data, len);
	p->at += len;
}

static void
put64(struct place *p, uint64_t n)
{
	uint64_t big = htobe64(n);

	put(p, &big, sizeof(big));
}

static void
get(struct from *p, void *data, size_t len)
{
	memcpy(data, p->at, len);
	p->at += len;
}

static uint64_t
get64(struct from *p, uint64_t max)
{
	uint64_t big;

	get(p, &big, sizeof(big));
	if (be64toh(big) > max)
		p->bad = 1;
	return p->bad ? 0 : be64toh(big);
}

static int64_t
get_time(struct from *p)
{
	return (int64_t)get64(p, INT64_MAX);
}

/* Does not compile unless all of it fits. */
#define USED (1 + ADDRESS_MAX + 1 + 8 * 8 + 2 * TOTP_OCTETS + \
	    (RECOVERY_CODES + 1) * DIGEST_OCTETS)
typedef char all_of_it_fits[USED <= FACTORS_OCTETS ? 1 : -1];

void
factors_encode(const struct factors *f, const char *address,
    unsigned char octets[FACTORS_OCTETS])
{
	struct place p = { octets };

	memset(octets, 0, FACTORS_OCTETS);
	*p.at++ = VERSION;
	strlcpy((char *)p.at, address, ADDRESS_MAX + 1);
	p.at += ADDRESS_MAX + 1;
	put64(&p, (uint64_t)f->signed_out);
	put64(&p, f->has_secret != 0);
	put(&p, f->secret, sizeof(f->secret));
	put64(&p, f->step);
	put64(&p, (uint64_t)f->pending);
	put(&p, f->pending_secret, sizeof(f->pending_secret));
	put64(&p, f->nrecovery);
	put(&p, f->recovery, sizeof(f->recovery));
	put64(&p, (uint64_t)f->invited);
	put(&p, f->invitation, sizeof(f->invitation));
	put64(&p, (uint64_t)f->tries_since);
	put64(&p, f->tries);
}

enum factors_result
factors_decode(struct factors *f, const char *address,
    const unsigned char *octets, size_t len)
{
	struct from p = { octets + 1, 0 };
	char whose[ADDRESS_MAX + 1];

	memset(f, 0, sizeof(*f));
	if (len > 0 && octets[0] > VERSION)
		return FACTORS_NEWER;
	if (len != FACTORS_OCTETS || octets[0] != VERSION)
		return FACTORS_DAMAGED;
	get(&p, whose, sizeof(whose));
	whose[ADDRESS_MAX] = '\0';
	f->signed_out = get_time(&p);
	f->has_secret = (int)get64(&p, 1);
	get(&p, f->secret, sizeof(f->secret));
	f->step = get64(&p, INT64_MAX);
	f->pending = get_time(&p);
	get(&p, f->pending_secret, sizeof(f->pending_secret));
	f->nrecovery = get64(&p, RECOVERY_CODES);
	get(&p, f->recovery, sizeof(f->recovery));
	f->invited = get_time(&p);
	get(&p, f->invitation, sizeof(f->invitation));
	f->tries_since = get_time(&p);
	f->tries = (uint32_t)get64(&p, UINT32_MAX);
	if (!p.bad && strcmp(whose, address) == 0)
		return FACTORS_GOOD;
	explicit_bzero(f, sizeof(*f));
	return FACTORS_DAMAGED;
}

static int
is_over(const struct factors *f, int64_t now)
{
	return now < f->tries_since || now - f->tries_since >= TRIES_SECONDS;
}

int
factors_may_try(const struct factors *f, int64_t now)
{
	return is_over(f, now) || f->tries < TRIES;
}

void
factors_count_try(struct factors *f, int64_t now)
{
	if (is_over(f, now)) {
		f->tries_since = now;
		f->tries = 0;
	}
	f->tries++;
}

/* The directory beside the accounts, and "tail" behind it. */
static int
path_of(const char *accounts, const char *tail, char path[PATH_MAX], char *err,
    size_t errsize)
{
	const char *slash = strrchr(accounts, '/');
	const int len = slash == NULL ? 1 : (int)(slash - accounts);

	if ((size_t)snprintf(path, PATH_MAX, "%.*s%s%s", len,
		slash == NULL ? "." : accounts, DIR, tail) < PATH_MAX)
		return 0;
	return error_set(err, errsize, "%s: the path is too long", accounts);
}

int
factors_path(const char *accounts, const char *address, char path[PATH_MAX],
    char *err, size_t errsize)
{
	unsigned char digest[DIGEST_OCTETS];
	char name[2 * DIGEST_OCTETS + 2] = "/";
	size_t i;

	digest_make(digest, NULL, address);
	for (i = 0; i < sizeof(digest); i++)
		snprintf(name + 1 + 2 * i, 3, "%02x", digest[i]);
	return path_of(accounts, name, path, err, errsize);
}

int
factors_prepare(const char *accounts, char *err, size_t errsize)
{
	char path[PATH_MAX];

	if (path_of(accounts, "", path, err, errsize) == -1)
		return -1;
	if (directory_make(path, 0755, 0700) == 0)
		return 0;
	return error_set(err, errsize, "%s: %s", path, strerror(errno));
}

static int
open_path(const char *path, int *fd, char *err, size_t errsize)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (*fd != -1 || errno == ENOENT)
		return 0;
	return error_set(err, errsize, "%s: %s", path, strerror(errno));
}

int
factors_open(const char *accounts, const char *address, int *fd, char *err,
    size_t errsize)
{
	char path[PATH_MAX];

	if (factors_path(accounts, address, path, err, errsize) == -1)
		return -1;
	return open_path(path, fd, err, errsize);
}

int
factors_read(int fd, const char *address, struct factors *f, char *err,
    size_t errsize)
{
	unsigned char octets[FACTORS_OCTETS + 1];
	enum factors_result result;
	ssize_t n;

	memset(f, 0, sizeof(*f));
	if (fd == -1)
		return 0;
	if ((n = read(fd, octets, sizeof(octets))) == -1)
		return error_set(err, errsize, "factors of %s: %s", address,
		    strerror(errno));
	result = factors_decode(f, address, octets, (size_t)n);
	explicit_bzero(octets, sizeof(octets));
	if (result == FACTORS_GOOD)
		return 0;
	if (result == FACTORS_NEWER)
		return error_set(err, errsize, "factors of %s: written by a "
		    "newer pop3d; install that one", address);
	return error_set(err, errsize, "factors of %s: damaged; restore them "
	    "from a backup, or set two-factor=off and remove the file",
	    address);
}

static int
take_lock(const char *accounts, int *lock, char *err, size_t errsize)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_MAX];

	*lock = -1;
	if (factors_prepare(accounts, err, errsize) == -1 ||
	    path_of(accounts, LOCK, path, err, errsize) == -1)
		return -1;
	*lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	while (*lock != -1 && fcntl(*lock, F_SETLKW, &whole) == -1)
		if (errno != EINTR) {
			close(*lock);
			*lock = -1;
		}
	return *lock != -1 ? 0 :
	    error_set(err, errsize, "%s: %s", path, strerror(errno));
}

int
factors_edit_begin(struct factors_edit *e, const char *accounts,
    const char *address, struct factors *f, char *err, size_t errsize)
{
	int fd = -1, rv;

	memset(f, 0, sizeof(*f));
	strlcpy(e->address, address, sizeof(e->address));
	if (factors_path(accounts, address, e->path, err, errsize) == -1 ||
	    take_lock(accounts, &e->lock, err, errsize) == -1)
		return -1;
	rv = open_path(e->path, &fd, err, errsize);
	if (rv == 0)
		rv = factors_read(fd, e->address, f, err, errsize);
	if (fd != -1)
		close(fd);
	if (rv == -1)
		close(e->lock);
	return rv;
}

static int
sync_directory(const char *path)
{
	char dir[PATH_MAX];
	int fd, rv;

	strlcpy(dir, path, sizeof(dir));
	*strrchr(dir, '/') = '\0';
	if ((fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	rv = fsync(fd);
	close(fd);
	return rv;
}

/* What a killed writer left at path is in nobody's way. */
static int
write_file(const char *path, const unsigned char *octets)
{
	int fd, rv = -1;

	if (unlink(path) == -1 && errno != ENOENT)
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd == -1)
		return -1;
	errno = ENOSPC;
	if (write(fd, octets, FACTORS_OCTETS) == FACTORS_OCTETS)
		rv = fsync(fd);
	if (close(fd) == -1)
		rv = -1;
	return rv;
}

int
factors_edit_commit(struct factors_edit *e, const struct factors *f, char *err,
    size_t errsize)
{
	unsigned char octets[FACTORS_OCTETS];
	char new[PATH_MAX];
	int rv = -1;

	factors_encode(f, e->address, octets);
	if ((size_t)snprintf(new, sizeof(new), "%s.new", e->path) >=
	    sizeof(new))
		errno = ENAMETOOLONG;
	else if (write_file(new, octets) == 0 && rename(new, e->path) == 0 &&
	    sync_directory(e->path) == 0)
		rv = 0;
	if (rv == -1)
		(void)error_set(err, errsize, "%s: %s", e->path,
		    strerror(errno));
	explicit_bzero(octets, sizeof(octets));
	close(e->lock);
	return rv;
}

void
factors_edit_abandon(struct factors_edit *e)
{
	close(e->lock);
}

/* Who has never had any has no directory either, which is not made for it. */
static int
is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

int
factors_remove(
    const char *accounts, const char *address, char *err, size_t errsize)
{
	char path[PATH_MAX];
	int lock, rv;

	if (factors_path(accounts, address, path, err, errsize) == -1)
		return -1;
	if (!is_there(path))
		return 0;
	if (take_lock(accounts, &lock, err, errsize) == -1)
		return -1;
	rv = unlink(path);
	if (rv == 0)
		rv = sync_directory(path);
	if (rv == -1)
		(void)error_set(err, errsize, "%s: %s", path, strerror(errno));
	close(lock);
	return rv;
}

/* The address stands in the file: it is written anew. */
int
factors_copy(const char *accounts, const char *old, const char *new,
    char *err, size_t errsize)
{
	struct factors_edit e;
	struct factors f;
	char path[PATH_MAX];
	int rv;

	if (factors_remove(accounts, new, err, errsize) == -1 ||
	    factors_path(accounts, old, path, err, errsize) == -1)
		return -1;
	if (!is_there(path))
		return 0;
	if (factors_edit_begin(&e, accounts, old, &f, err, errsize) == -1)
		return -1;
	strlcpy(e.address, new, sizeof(e.address));
	rv = factors_path(accounts, new, e.path, err, errsize);
	if (rv == 0)
		rv = factors_edit_commit(&e, &f, err, errsize);
	else
		factors_edit_abandon(&e);
	explicit_bzero(&f, sizeof(f));
	return rv;
}
