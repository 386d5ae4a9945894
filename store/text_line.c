#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/text_line.h"

enum text_line
text_line(FILE *f, char *text, size_t size)
{
	size_t len = 0;
	int bad = 0, c;

	while ((c = getc_unlocked(f)) != EOF && c != '\n') {
		if (c == '\0' || len + 1 >= size)
			bad = 1;
		else
			text[len++] = (char)c;
	}
	text[len] = '\0';
	if (c == EOF)
		return len > 0 || bad ? LINE_BAD : LINE_END;
	return bad ? LINE_BAD : LINE_GOOD;
}

static int
check_regular(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EINVAL;
	return st.st_size > TEXT_MAX ? EFBIG : 0;
}

int
text_open(int dir, const char *name, FILE **f)
{
	int error, fd;

	fd = openat(dir, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return errno == ELOOP ? EINVAL : errno;
	if ((error = check_regular(fd)) == 0 &&
	    (*f = fdopen(fd, "r")) == NULL)
		error = ENOMEM;
	if (error != 0)
		close(fd);
	return error;
}
