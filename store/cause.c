#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bdb.h"
#include "common/log.h"
#include "store/cause.h"
#include "store/dir.h"
#include "store/index_error.h"

#define MESSAGE_OCTETS 256
#define DESCRIPTORS    64 /* that are looked at; a store may have fewer */

static int noted; /* the first error that passes, or 0 */
static char first[MESSAGE_OCTETS]; /* message of the library */
static int told; /* it was logged */

static const char *pages; /* the file of which pages have numbers */
static int holes; /* may it have pages that were never written? */

/* Of what the library opened last as this descriptor: is it that file? */
static unsigned char has_pages[DESCRIPTORS];

/*
 * Trouble of the disk, the network, the system or its limits: all that a file
 * cannot be the reason of, whatever is in it or in its place.  The library's
 * own errors are negative.
 */
static int
passes(int error)
{
	static const int of_files[] = { E2BIG, EDOM, EEXIST, EFAULT, EINVAL,
		EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EOVERFLOW,
		ERANGE, ESPIPE };
	size_t i;

	for (i = 0; i < sizeof(of_files) / sizeof(of_files[0]); i++)
		if (of_files[i] == error)
			return 0;
	return error > 0;
}

static void
note(int error)
{
	if (noted == 0 && passes(error))
		noted = error;
	errno = error;
}

/* Others may have put anything there: a FIFO would be waited for. */
static int
is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 &&
	    (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

/* Has path this last component? */
static int
ends_with(const char *path, const char *name)
{
	size_t len = strlen(path), end = strlen(name);

	return len > end && path[len - end - 1] == '/' &&
	    strcmp(path + len - end, name) == 0;
}

/* Where descriptors are short, the library's own open waits 12 seconds. */
static int
noting_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;
	int fd;

	if ((flags & O_CREAT) != 0) {
		va_start(ap, flags);
		mode = (mode_t)va_arg(ap, int);
		va_end(ap);
	}
	do
		fd = open(path, flags | NO_WAITING, mode);
	while (fd == -1 && errno == EINTR);
	if (fd == -1)
		note(errno == ENXIO ? EINVAL : errno);
	else if (!is_file(fd)) {
		close(fd);
		fd = -1;
		errno = EINVAL;
	} else if (fd < DESCRIPTORS)
		has_pages[fd] = (unsigned char)ends_with(path, pages);
	return fd;
}

/* After a failure or a part the library goes on with read(2) and write(2). */
static ssize_t
noting_pread(int fd, void *buf, size_t len, off_t offset)
{
	ssize_t n;

	do
		n = pread(fd, buf, len, offset);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		note(errno);
	else if ((size_t)n == len && fd < DESCRIPTORS && has_pages[fd])
		bdb_doubt_page(buf, len, offset, holes);
	return n;
}

static ssize_t
noting_pwrite(int fd, const void *buf, size_t len, off_t offset)
{
	ssize_t n;
	size_t done;

	for (done = 0; done < len; done += (size_t)n) {
		n = pwrite(fd, (const char *)buf + done, len - done,
		    offset + (off_t)done);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n <= 0) {
			note(n == 0 ? ENOSPC : errno);
			return -1;
		}
	}
	return (ssize_t)len;
}

/* These two return the error itself. */
static int
noting_fsync(int fd)
{
	int rv;

	do
		rv = fdatasync(fd);
	while (rv == -1 && errno == EINTR);
	if (rv == 0)
		return 0;
	note(errno);
	return errno;
}

static int
noting_ftruncate(int fd, off_t length)
{
	int rv;

	do
		rv = ftruncate(fd, length);
	while (rv == -1 && errno == EINTR);
	if (rv == 0)
		return 0;
	note(errno);
	return errno;
}

static void *
noting_malloc(size_t size)
{
	void *p = malloc(size);

	if (p == NULL)
		note(ENOMEM);
	return p;
}

static void *
noting_realloc(void *old, size_t size)
{
	void *p = realloc(old, size);

	if (p == NULL)
		note(ENOMEM);
	return p;
}

static void
free_names(char **names, int n)
{
	while (n > 0)
		free(names[--n]);
	free(names);
}

static int
add_name(char ***names, int *n, const char *name)
{
	void *grown;

	/* In steps of 16. */
	if (*n % 16 == 0) {
		grown = reallocarray(
		    *names, (size_t)*n + 16, sizeof(**names));
		if (grown == NULL)
			return -1;
		*names = grown;
	}
	if (((*names)[*n] = strdup(name)) == NULL)
		return -1;
	++*n;
	return 0;
}

/*
 * The library's own takes a directory that cannot be read to its end for one
 * that ends there, and a log that it has not seen for none.
 */
static int
noting_dirlist(const char *path, char ***names, int *n)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	int error = 0;

	*names = NULL;
	*n = 0;
	if (dir == NULL) {
		note(errno);
		return errno;
	}
	while (error == 0 && (errno = 0, d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.' && add_name(names, n, d->d_name) == -1)
			error = ENOMEM;
	if (error == 0 && errno != 0)
		error = passes(errno) ? errno : EIO;
	closedir(dir);
	if (error == 0)
		return 0;
	free_names(*names, *n);
	note(error);
	return error;
}

/*
 * Not read(2): the library would take the end of a file for an error then.
 * Not write(2): it would use that for pages, too, after a seek for each.
 */
void
cause_begin(const char *file)
{
	static int set;

	pages = file;
	holes = 0;
	noted = told = 0;
	first[0] = '\0';
	if (set)
		return;
	set = 1;
	(void)db_env_set_func_open(noting_open);
	(void)db_env_set_func_pread(noting_pread);
	(void)db_env_set_func_pwrite(noting_pwrite);
	(void)db_env_set_func_fsync(noting_fsync);
	(void)db_env_set_func_ftruncate(noting_ftruncate);
	(void)db_env_set_func_dirlist(noting_dirlist);
	(void)db_env_set_func_dirfree(free_names);
	(void)db_env_set_func_malloc(noting_malloc);
	(void)db_env_set_func_realloc(noting_realloc);
}

void
cause_expect_holes(int expected)
{
	holes = expected;
}

/*
 * A failed read(2), which is the library's own call, has the system's words
 * at the end of what it says.
 */
static void
note_words(const char *message)
{
	static const int errors[] = { EIO, ENOMEM, ENOSPC, EDQUOT };
	size_t i, len = strlen(message), words;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		words = strlen(strerror(errors[i]));
		if (len > words && strcmp(message + len - words,
			strerror(errors[i])) == 0)
			note(errors[i]);
	}
}

void
cause_message(const DB_ENV *env, const char *prefix, const char *message)
{
	(void)env;
	(void)prefix;
	if (first[0] == '\0')
		(void)strlcpy(first, message, sizeof(first));
	note_words(message);
}

/*
 * write(2), by which the log grows, is the library's own call: the errno is
 * still that of the failure when it tells of it.
 */
void
cause_event(DB_ENV *env, uint32_t event, void *info)
{
	(void)env;
	(void)info;
	if (event == DB_EVENT_WRITE_FAILED)
		note(passes(errno) ? errno : EIO);
}

int
cause_noted(void)
{
	return noted;
}

int
cause_of(int error)
{
	if (error == 0)
		return 0;
	if (error == DB_NOTFOUND || error == DB_KEYEMPTY)
		return INDEX_NOT_FOUND;
	if (noted != 0)
		return noted;
	if (passes(error))
		return error;
	if (first[0] != '\0' && !told)
		log_warn("index damaged, Berkeley DB says: %s", first);
	told = 1;
	return INDEX_DAMAGED;
}
