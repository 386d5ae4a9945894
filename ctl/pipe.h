/*
 * Structures that go from one of pop3ctl's processes to another, by a pipe.
 */
#ifndef CTL_PIPE_H
#define CTL_PIPE_H

#include <stddef.h>

/* All of one: 1, or 0 where the pipe ended, or failed, before that. */
int pipe_read(int fd, void *data, size_t len);
int pipe_write(int fd, const void *data, size_t len);

#endif
