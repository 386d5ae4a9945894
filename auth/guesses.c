#include <string.h>

#include "auth/guesses.h"

static const struct guesser *
find(const struct guesses *g, const char *peer)
{
	size_t i;

	for (i = 0; i < g->used; i++)
		if (strcmp(g->list[i].peer, peer) == 0)
			return &g->list[i];
	return NULL;
}

int
guesses_many(const struct guesses *g, const char *peer, int64_t now)
{
	const struct guesser *who = find(g, peer);

	/* The next place of the ring has the oldest of the last ones. */
	return who != NULL && who->n >= GUESSES_MANY &&
	    now - who->refused[who->n % GUESSES_MANY] < GUESSES_MS;
}

static int64_t
latest(const struct guesser *who)
{
	return who->refused[(who->n - 1) % GUESSES_MANY];
}

/* A place for an address that is not known. */
static struct guesser *
make_room(struct guesses *g)
{
	struct guesser *oldest = &g->list[0];
	size_t i;

	if (g->used < GUESSES_ADDRESSES)
		return &g->list[g->used++];
	for (i = 1; i < g->used; i++)
		if (latest(&g->list[i]) < latest(oldest))
			oldest = &g->list[i];
	return oldest;
}

int
guesses_note(struct guesses *g, const char *peer, int64_t now)
{
	const struct guesser *known = find(g, peer);
	int before = guesses_many(g, peer, now);
	struct guesser *who;

	if (known != NULL)
		who = &g->list[known - g->list];
	else {
		who = make_room(g);
		memset(who, 0, sizeof(*who));
		strlcpy(who->peer, peer, sizeof(who->peer));
	}
	who->refused[who->n++ % GUESSES_MANY] = now;
	return !before && guesses_many(g, peer, now);
}
