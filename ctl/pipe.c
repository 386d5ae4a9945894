#include <errno.h>
#include <unistd.h>

#include "ctl/pipe.h"

int
pipe_read(int fd, void *data, size_t len)
{
	char *p = data;
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n)
		while ((n = read(fd, p, len)) <= 0)
			if (n == 0 || errno != EINTR)
				return 0;
	return 1;
}

int
pipe_write(int fd, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n)
		while ((n = write(fd, p, len)) <= 0)
			if (n == 0 || errno != EINTR)
				return 0;
	return 1;
}
