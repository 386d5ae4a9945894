/*
 * The client's socket, before anybody reads from it.
 */
#ifndef COMMON_CLIENT_H
#define COMMON_CLIENT_H

/*
 * Sets what a session relies on: that replies leave at once, that a host that
 * has vanished is noticed, and that the descriptor never blocks.  Whoever has
 * the socket first: the session, or the listener.  Returns 0, or -1 with errno
 * set.
 */
int client_prepare(int fd);

#endif
