/*
 * The keys processes that the listener has: one that serves, one that starts
 * because something has changed, and those that serve nobody new, but wait
 * for the sessions that they have.
 */
#ifndef LISTENER_KEYRING_H
#define LISTENER_KEYRING_H

#include <stdint.h>
#include <sys/types.h>

#define KEYS_MAX  8
#define KEYS_NONE (-1)

struct keyring {
	struct key {
		pid_t pid;     /* 0: none, or reaped */
		int channel;   /* -1: none, or hung up */
		int64_t begun; /* clock_ms() */
	} key[KEYS_MAX];
	int serving;  /* of key[]; KEYS_NONE */
	int starting; /* the same */
};

void keyring_init(struct keyring *r);

/* Where there is room for one more: the oldest may have to be lost first. */
int keyring_choose(const struct keyring *r);

/*
 * A process has been started, with this channel to it, which is the
 * keyring's from now on.
 */
void keyring_add(struct keyring *r, int n, pid_t pid, int channel);

/* The one that starts is ready, and serves; the other only waits. */
void keyring_ready(struct keyring *r);

/* One that has hung up, or is to be given up. */
void keyring_lost(struct keyring *r, int n);

/* This process has ended: was it one of them? */
int keyring_ended(struct keyring *r, pid_t pid);

#endif
