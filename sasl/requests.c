#include <string.h>

#include "sasl/requests.h"

static int
waits_for_auth(const struct request *q)
{
	return q->stage == STAGE_ASKED || q->stage == STAGE_CANCELLED;
}

struct request *
requests_find(struct requests *r, uint32_t id)
{
	struct request *q;

	for (q = r->list; q < r->list + REQUESTS_MAX; q++)
		if (q->stage != STAGE_FREE && q->stage != STAGE_CANCELLED &&
		    q->id == id)
			return q;
	return NULL;
}

struct request *
requests_asked(struct requests *r, uint32_t id)
{
	struct request *q;

	for (q = r->list; q < r->list + REQUESTS_MAX; q++)
		if (waits_for_auth(q) && q->login.id == id)
			return q;
	return NULL;
}

int
requests_full(const struct requests *r)
{
	const struct request *q;

	for (q = r->list; q < r->list + REQUESTS_MAX; q++)
		if (!waits_for_auth(q))
			return 0;
	return 1;
}

/* The free place, or the oldest that waits for its client. */
static struct request *
make_room(struct requests *r)
{
	struct request *q, *oldest = NULL;

	for (q = r->list; q < r->list + REQUESTS_MAX; q++) {
		if (q->stage == STAGE_FREE)
			return q;
		if (!waits_for_auth(q) &&
		    (oldest == NULL || q->since < oldest->since))
			oldest = q;
	}
	return oldest;
}

struct request *
requests_add(struct requests *r, uint32_t id, uint32_t *gone)
{
	struct request *q = make_room(r);

	*gone = q->stage == STAGE_FREE ? 0 : q->id;
	requests_free(q);
	q->id = id;
	q->since = r->begun++;
	return q;
}

void
requests_free(struct request *q)
{
	explicit_bzero(q, sizeof(*q));
	q->stage = STAGE_FREE;
}

int64_t
requests_deadline(const struct requests *r)
{
	const struct request *q;
	int64_t first = 0;

	for (q = r->list; q < r->list + REQUESTS_MAX; q++)
		if (waits_for_auth(q) && (first == 0 || q->deadline < first))
			first = q->deadline;
	return first;
}

int
requests_count(const struct requests *r)
{
	const struct request *q;
	int n = 0;

	for (q = r->list; q < r->list + REQUESTS_MAX; q++)
		n += q->stage != STAGE_FREE && q->stage != STAGE_CANCELLED;
	return n;
}
