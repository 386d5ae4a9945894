/*
 * The directory is on a file server whose clock is three seconds behind and
 * counts whole seconds: for test_bystanders.py, which preloads this.
 */
#include <sys/stat.h>
#include <sys/vfs.h>

#include <dlfcn.h>
#include <stddef.h>

#define BEHIND	  3
#define NFS_MAGIC 0x6969

static void *
next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static int
older(int rv, struct stat *st)
{
	if (rv == 0) {
		st->st_mtim.tv_sec -= BEHIND;
		st->st_ctim.tv_sec -= BEHIND;
		st->st_mtim.tv_nsec = st->st_ctim.tv_nsec = 0;
	}
	return rv;
}

int
stat(const char *path, struct stat *st)
{
	int (*real)(const char *, struct stat *);

	*(void **)&real = next("stat");
	return older(real(path, st), st);
}

int
lstat(const char *path, struct stat *st)
{
	int (*real)(const char *, struct stat *);

	*(void **)&real = next("lstat");
	return older(real(path, st), st);
}

int
fstat(int fd, struct stat *st)
{
	int (*real)(int, struct stat *);

	*(void **)&real = next("fstat");
	return older(real(fd, st), st);
}

int
fstatat(int dir, const char *path, struct stat *st, int flags)
{
	int (*real)(int, const char *, struct stat *, int);

	*(void **)&real = next("fstatat");
	return older(real(dir, path, st, flags), st);
}

/* Times that a client sets are kept as they are, to the second. */
static const struct timespec *
stored(const struct timespec t[2], struct timespec out[2])
{
	int i;

	if (t == NULL)
		return NULL;
	for (i = 0; i < 2; i++) {
		out[i] = t[i];
		if (t[i].tv_nsec == UTIME_NOW || t[i].tv_nsec == UTIME_OMIT)
			continue;
		out[i].tv_sec += BEHIND;
		out[i].tv_nsec = 0;
	}
	return out;
}

int
futimens(int fd, const struct timespec t[2])
{
	int (*real)(int, const struct timespec[2]);
	struct timespec out[2];

	*(void **)&real = next("futimens");
	return real(fd, stored(t, out));
}

int
utimensat(int dir, const char *path, const struct timespec t[2], int flags)
{
	int (*real)(int, const char *, const struct timespec[2], int);
	struct timespec out[2];

	*(void **)&real = next("utimensat");
	return real(dir, path, stored(t, out), flags);
}

int
statfs(const char *path, struct statfs *s)
{
	int (*real)(const char *, struct statfs *), rv;

	*(void **)&real = next("statfs");
	rv = real(path, s);
	if (rv == 0)
		s->f_type = NFS_MAGIC;
	return rv;
}

int
fstatfs(int fd, struct statfs *s)
{
	int (*real)(int, struct statfs *), rv;

	*(void **)&real = next("fstatfs");
	rv = real(fd, s);
	if (rv == 0)
		s->f_type = NFS_MAGIC;
	return rv;
}
