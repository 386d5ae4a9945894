/*
 * The descriptors that the listener holds, so that no child has one of them
 * by accident: in another session's hands each would be a way to lie to it.
 */
#ifndef LISTENER_HELD_H
#define LISTENER_HELD_H

/* The numbers that can be held are below this. */
#define HELD_MAX 16384

/* Takes fd over.  Returns fd, or -1 with errno set: it is closed. */
int held_take(int fd);

/* Closes one that is held. */
void held_close(int fd);

/* In a child: closes all of them but this one (-1: all). */
void held_leave(int but);

#endif
