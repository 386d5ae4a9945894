#include <errno.h>
#include <unistd.h>

#include "listener/held.h"

static unsigned char held[HELD_MAX / 8]; /* a bit for each number */
static int top; /* behind the largest that is held */

static unsigned char
bit(int fd)
{
	return (unsigned char)(1 << fd % 8);
}

int
held_take(int fd)
{
	if (fd >= HELD_MAX) {
		close(fd);
		errno = EMFILE;
		return -1;
	}
	held[fd / 8] |= bit(fd);
	if (fd >= top)
		top = fd + 1;
	return fd;
}

void
held_close(int fd)
{
	held[fd / 8] &= (unsigned char)~bit(fd);
	while (top > 0 && (held[(top - 1) / 8] & bit(top - 1)) == 0)
		top--;
	close(fd);
}

void
held_leave(int but)
{
	int fd;

	for (fd = 0; fd < top; fd++)
		if (fd != but && (held[fd / 8] & bit(fd)) != 0)
			close(fd);
}
