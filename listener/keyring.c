#include <sys/socket.h>

#include "common/clock.h"
#include "listener/held.h"
#include "listener/keyring.h"

void
keyring_init(struct keyring *r)
{
	int n;

	for (n = 0; n < KEYS_MAX; n++) {
		r->key[n].pid = 0;
		r->key[n].channel = -1;
	}
	r->serving = r->starting = KEYS_NONE;
}

int
keyring_choose(const struct keyring *r)
{
	int n, oldest = KEYS_NONE;

	for (n = 0; n < KEYS_MAX; n++) {
		if (r->key[n].pid == 0 && r->key[n].channel == -1)
			return n;
		if (n != r->serving && (oldest == KEYS_NONE ||
		    r->key[n].begun < r->key[oldest].begun))
			oldest = n;
	}
	return oldest;
}

void
keyring_add(struct keyring *r, int n, pid_t pid, int channel)
{
	r->key[n].pid = pid;
	r->key[n].channel = channel;
	r->key[n].begun = clock_ms();
	r->starting = n;
}

void
keyring_ready(struct keyring *r)
{
	if (r->serving != KEYS_NONE)
		(void)shutdown(r->key[r->serving].channel, SHUT_WR);
	r->serving = r->starting;
	r->starting = KEYS_NONE;
}

void
keyring_lost(struct keyring *r, int n)
{
	if (r->key[n].channel != -1)
		held_close(r->key[n].channel);
	r->key[n].channel = -1;
	if (n == r->serving)
		r->serving = KEYS_NONE;
	if (n == r->starting)
		r->starting = KEYS_NONE;
}

int
keyring_ended(struct keyring *r, pid_t pid)
{
	int n;

	for (n = 0; n < KEYS_MAX; n++)
		if (r->key[n].pid == pid) {
			r->key[n].pid = 0;
			return 1;
		}
	return 0;
}
