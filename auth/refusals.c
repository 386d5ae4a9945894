#include <limits.h>

#include "auth/refusals.h"

static size_t
place(const struct refusals *r, size_t i)
{
	return (r->first + i) % REFUSALS_MAX;
}

int
refusals_full(const struct refusals *r)
{
	return r->n >= r->places ||
	    (r->n > 0 && r->list[place(r, r->n - 1)].last);
}

void
refusals_add(struct refusals *r, const struct refusal *refusal)
{
	r->list[place(r, r->n++)] = *refusal;
}

int
refusals_wait(const struct refusals *r, int64_t now)
{
	int64_t left;

	if (r->n == 0)
		return -1;
	left = r->list[r->first].due - now;
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

int
refusals_take(struct refusals *r, int64_t now, struct refusal *refusal)
{
	if (refusals_wait(r, now) != 0)
		return 0;
	*refusal = r->list[r->first];
	r->first = place(r, 1);
	r->n--;
	return 1;
}
