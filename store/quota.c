/*
 * The format is that of Courier's README.maildirquota: the limits, and then
 * lines of two numbers, octets and messages, which whoever changes the
 * Maildir appends and whoever delivers adds up.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/dir.h"
#include "store/quota.h"

int
quota_is_kept(const char *maildir)
{
	char path[PATH_MAX];
	struct stat st;

	return (size_t)snprintf(path, sizeof(path), "%s/maildirsize",
		   maildir) < sizeof(path) &&
	    lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The number in text, if there is one and it fits; otherwise size. */
static uint64_t
number_or(const char *text, uint64_t size)
{
	uint64_t n = 0;
	const char *s;

	for (s = text; *s >= '0' && *s <= '9'; s++) {
		if (n > (INT64_MAX - 9) / 10)
			return size;
		n = n * 10 + (uint64_t)(*s - '0');
	}
	return s > text ? n : size;
}

/* The last one counts, as it does for delivery agents. */
uint64_t
quota_octets(const char *name, uint64_t size)
{
	const char *end = name + strcspn(name, ":"), *s, *found = NULL;

	for (s = name; (s = strstr(s, ",S=")) != NULL && s < end; s++)
		found = s;
	return found != NULL ? number_or(found + strlen(",S="), size) : size;
}

/* -1 with *error 0: there is no such file. */
static int
open_quota(const char *maildir, int *error)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	*error = ENAMETOOLONG;
	if ((size_t)snprintf(path, sizeof(path), "%s/maildirsize", maildir) >=
	    sizeof(path))
		return -1;
	fd = open(path, O_WRONLY | O_APPEND | NO_WAITING);
	if (fd == -1) {
		/* Nothing, a link, a directory, a FIFO or a socket. */
		*error = errno == ENOENT || errno == ELOOP ||
		    errno == EISDIR || errno == ENXIO ? 0 : errno;
		return -1;
	}
	*error = fstat(fd, &st) == -1 ? errno : 0;
	if (*error == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -1;
}

/* In one write: lines of others may be appended at the same moment. */
static int
append(const char *maildir, const char *sign, uint64_t messages,
    uint64_t octets)
{
	char line[64];
	ssize_t n;
	int fd, len, error;

	if (messages == 0)
		return 0;
	if ((fd = open_quota(maildir, &error)) == -1)
		return error;
	len = snprintf(line, sizeof(line), "%s%" PRIu64 " %s%" PRIu64 "\n",
	    sign, octets, sign, messages);
	n = write(fd, line, (size_t)len);
	error = n == len ? 0 : n == -1 ? errno : ENOSPC;
	if (close(fd) == -1 && error == 0)
		error = errno; /* EDQUOT, on NFS */
	return error;
}

int
quota_take_off(const char *maildir, uint64_t messages, uint64_t octets)
{
	return append(maildir, "-", messages, octets);
}

int
quota_add(const char *maildir, uint64_t messages, uint64_t octets)
{
	return append(maildir, "", messages, octets);
}
