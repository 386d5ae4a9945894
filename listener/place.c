#include <string.h>

#include "common/unshared.h"
#include "listener/place.h"

int
places_init(struct places *p)
{
	p->taken = p->top = 0;
	p->place = unshared_new(CONF_SESSIONS_MAX * sizeof(p->place[0]));
	return p->place == NULL ? -1 : 0;
}

struct place *
places_take(struct places *p, const struct connection *connection,
    const struct network *from)
{
	struct place *place = p->place;

	while (place->taken)
		place++;
	memset(place, 0, sizeof(*place));
	place->taken = 1;
	place->channel = place->keys = -1;
	place->connection = *connection;
	if (from != NULL)
		place->from = *from;
	p->taken++;
	if (place == p->place + p->top)
		p->top++;
	return place;
}

size_t
places_of(const struct places *p, const struct network *from)
{
	const struct place *place;
	size_t n = 0;

	for (place = p->place; place < p->place + p->top; place++)
		n += place->taken &&
		    memcmp(&place->from, from, sizeof(*from)) == 0;
	return n;
}

struct place *
places_find(const struct places *p, pid_t parent)
{
	struct place *place;

	for (place = p->place; place < p->place + p->top; place++)
		if (place->taken && place->parent == parent)
			return place;
	return NULL;
}

void
places_settle(struct places *p, struct place *place)
{
	if (!place->taken || place->channel != -1 || place->parent != 0 ||
	    place->keys != -1)
		return;
	place->taken = 0;
	p->taken--;
	while (p->top > 0 && !p->place[p->top - 1].taken)
		p->top--;
}
