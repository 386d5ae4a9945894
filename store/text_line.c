#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/dir.h"
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
	if (bad)
		return TEXT_BAD;
	return c != EOF ? TEXT_GOOD : len > 0 ? TEXT_CUT : TEXT_END;
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
	    O_RDONLY | NO_WAITING);
	if (fd == -1)
		return errno == ELOOP ? EINVAL : errno;
	if ((error = check_regular(fd)) == 0 &&
	    (*f = fdopen(fd, "r")) == NULL)
		error = ENOMEM;
	if (error != 0)
		close(fd);
	return error;
}
