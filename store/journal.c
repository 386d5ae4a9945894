#include <sys/stat.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "store/dir.h"
#include "store/journal.h"

#define VERSION	   1
#define BEGINNING  "pop3d journal "
#define DIGITS(n)  #n
#define TEXT_OF(n) DIGITS(n)
#define FIRST_LINE BEGINNING TEXT_OF(VERSION) "\n"
#define FIRST_OCTETS (sizeof(FIRST_LINE) - 1)

/* Room for what a new journal begins with, whatever was forged in the old. */
#define NEW_OCTETS (2 * JOURNAL_TURN)

/* Opens a journal; ESTALE is one that is none, or not whole in its head. */
static int
open_journal(const char *path, int flags, int *fd, size_t *octets)
{
	char head[FIRST_OCTETS];
	struct stat st;
	ssize_t n = 0;
	int error = 0;

	*octets = 0;
	if ((*fd = open(path, flags | NO_WAITING)) == -1)
		return errno;
	if (fstat(*fd, &st) == -1)
		error = errno;
	else if (!S_ISREG(st.st_mode))
		error = EINVAL;
	else if ((n = pread(*fd, head, sizeof(head), 0)) == -1)
		error = errno;
	else if ((size_t)n < sizeof(head) ||
	    memcmp(head, BEGINNING, sizeof(BEGINNING) - 1) != 0)
		error = ESTALE;
	else if (memcmp(head, FIRST_LINE, sizeof(head)) != 0)
		error = INDEX_NEWER;
	if (error == 0)
		*octets = (size_t)st.st_size;
	else
		close(*fd);
	return error;
}

/* In one write; behind a line that was torn, with a newline before. */
static int
append(int fd, size_t octets, const char *lines, size_t len)
{
	char last = '\n';
	struct iovec v[2] = { { "\n", 0 }, { (char *)(uintptr_t)lines, len } };
	ssize_t n;

	if (pread(fd, &last, 1, (off_t)octets - 1) == 1 && last != '\n')
		v[0].iov_len = 1;
	n = writev(fd, v, 2);
	if (n == -1)
		return errno;
	return (size_t)n == v[0].iov_len + len ? 0 : ENOSPC;
}

static void
each_line(char *text, size_t len, journal_fn visit, void *arg)
{
	static struct journal_line line; /* large */
	char *p = text, *end;

	while ((end = memchr(p, '\n', len - (size_t)(p - text))) != NULL) {
		if (journal_parse(&line, p, (size_t)(end - p)))
			visit(arg, &line);
		p = end + 1;
	}
}

/* A file that is none of ours has no line. */
static int
read_file(const char *dir, const char *name, journal_fn visit, void *arg)
{
	static char text[JOURNAL_READ];
	char path[PATH_MAX], *begin = text;
	size_t octets;
	ssize_t n;
	int error, fd;

	if ((error = dir_path(path, dir, name)) != 0)
		return error;
	if ((error = open_journal(path, O_RDONLY, &fd, &octets)) != 0)
		return error == ENOENT || error == ESTALE ? 0 : error;
	n = pread(fd, text, sizeof(text),
	    octets > sizeof(text) ? (off_t)(octets - sizeof(text)) : 0);
	error = n == -1 ? errno : 0;
	close(fd);
	/* What it begins in the middle of is no line. */
	if (n > 0 && octets > sizeof(text))
		begin = memchr(text, '\n', (size_t)n);
	if (n > 0 && begin != NULL)
		each_line(begin, (size_t)(text + n - begin), visit, arg);
	return error;
}

int
journal_read(const char *dir, journal_fn visit, void *arg)
{
	int error = read_file(dir, JOURNAL_OLD, visit, arg);
	int newest = read_file(dir, JOURNAL_FILE, visit, arg);

	return newest != 0 ? newest : error;
}

static void
note(void *arg, const struct journal_line *line)
{
	known_note(arg, line);
}

int
journal_known(const char *dir, struct known *known)
{
	memset(known, 0, sizeof(*known));
	return journal_read(dir, note, known);
}

/* A whole new file, under its name for that. */
static int
write_new(const char *path, const char *text, size_t len)
{
	ssize_t n;
	int fd, error;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | NO_WAITING, 0600);
	if (fd == -1)
		return errno;
	n = write(fd, text, len);
	error = n == -1 ? errno : (size_t)n == len ? 0 : ENOSPC;
	if (close(fd) == -1 && error == 0)
		error = errno;
	return error;
}

/*
 * Killed between the two renames, there is an old journal and none: then this
 * is done again, and finds in the old one all that was known.
 */
static int
turn_over(const char *dir, const char *lines, size_t len)
{
	static char text[NEW_OCTETS]; /* large */
	static struct known known;
	char path[PATH_MAX], old[PATH_MAX], new[PATH_MAX];
	struct journal_text t;
	int error;

	if ((error = dir_path(path, dir, JOURNAL_FILE)) != 0 ||
	    (error = dir_path(old, dir, JOURNAL_OLD)) != 0 ||
	    (error = dir_path(new, dir, JOURNAL_NEW)) != 0 ||
	    (error = journal_known(dir, &known)) != 0)
		return error;
	memcpy(text, FIRST_LINE, FIRST_OCTETS);
	if (len > sizeof(text) - FIRST_OCTETS)
		return EFBIG;
	journal_text_init(
	    &t, text + FIRST_OCTETS, sizeof(text) - FIRST_OCTETS - len);
	known_write(&known, &t);
	memcpy(t.buf + t.used, lines, len);
	error = write_new(new, text, FIRST_OCTETS + t.used + len);
	if (error == 0 && rename(path, old) == -1 && errno != ENOENT)
		error = errno;
	if (error == 0 && rename(new, path) == -1)
		error = errno;
	if (error != 0)
		(void)unlink(new);
	return error;
}

void
journal_begin_now(struct journal_text *t, const char *event, const char *id)
{
	char time[CLOCK_TEXT_SIZE];

	clock_text(time, clock_ns() / CLOCK_NS);
	journal_begin(t, time, event);
	if (id[0] != '\0')
		journal_field(t, "id", id);
}

int
journal_append(const char *dir, const char *lines, size_t len, int locked)
{
	char path[PATH_MAX];
	size_t octets;
	int error, fd;

	if ((error = dir_path(path, dir, JOURNAL_FILE)) != 0)
		return error;
	error = open_journal(path, O_RDWR | O_APPEND, &fd, &octets);
	if ((error == ENOENT || error == ESTALE) && locked)
		return turn_over(dir, lines, len);
	if (error != 0)
		return error == ENOENT ? 0 : error;
	if (octets > JOURNAL_TURN && locked) {
		close(fd);
		return turn_over(dir, lines, len);
	}
	error = append(fd, octets, lines, len);
	if (close(fd) == -1 && error == 0)
		error = errno;
	return error;
}
