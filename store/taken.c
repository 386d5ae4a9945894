#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/taken.h"

#define ROOM 4096

/* A record is the octets, and then the UIDL with its NUL. */
int
taken_add(struct taken *t, const char *uidl, uint64_t octets)
{
	size_t len = strlen(uidl) + 1, room;
	void *grown;

	if (t->room - t->used < sizeof(octets) + len) {
		room = t->room == 0 ? ROOM : t->room * 2;
		if ((grown = realloc(t->records, room)) == NULL)
			return ENOMEM;
		t->records = grown;
		t->room = room;
	}
	memcpy(t->records + t->used, &octets, sizeof(octets));
	memcpy(t->records + t->used + sizeof(octets), uidl, len);
	t->used += sizeof(octets) + len;
	t->n++;
	return 0;
}

const char *
taken_next(const struct taken *t, size_t *at, uint64_t *octets)
{
	const char *uidl;

	if (*at == t->used)
		return NULL;
	memcpy(octets, t->records + *at, sizeof(*octets));
	uidl = t->records + *at + sizeof(*octets);
	*at += sizeof(*octets) + strlen(uidl) + 1;
	return uidl;
}

void
taken_free(struct taken *t)
{
	free(t->records);
	memset(t, 0, sizeof(*t));
}
