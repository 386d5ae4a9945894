/*
 * The logins that are under way on one connection of an SMTP server: a
 * bounded number of them, each with the id that the SMTP server gave it.
 *
 * Pure computation in the sasl process.  Whoever frees a request wipes it.
 */
#ifndef SASL_REQUESTS_H
#define SASL_REQUESTS_H

#include "common/messages.h"

#define REQUESTS_MAX 16

enum stage {
	STAGE_FREE,
	STAGE_PLAIN,	/* waits for the response of PLAIN */
	STAGE_NAME,	/* for the user's name, of LOGIN */
	STAGE_PASSWORD, /* for his password */
	STAGE_ASKED,	/* for auth */
	STAGE_CANCELLED /* for auth, and nobody for us */
};

struct request {
	enum stage stage;
	uint32_t id; /* the SMTP server's; login.id is ours */
	uint64_t since;
	int64_t deadline; /* for auth's answer */
	struct msg_login login;
};

struct requests {
	struct request list[REQUESTS_MAX];
	uint64_t begun; /* how many there were */
};

/* A request that is not over by the SMTP server's id; NULL. */
struct request *requests_find(struct requests *r, uint32_t id);

/* One that waits for auth, by our own id; NULL. */
struct request *requests_asked(struct requests *r, uint32_t id);

/* Is there no place for one more, whatever is done? */
int requests_full(const struct requests *r);

/*
 * A place for one more, while they are not full.  Where all are taken, the
 * oldest of those whose client has yet to say something gives way: *gone is
 * its id, or 0.  (Postfix says nothing when a client has hung up.)
 */
struct request *requests_add(struct requests *r, uint32_t id, uint32_t *gone);

void requests_free(struct request *q);

/* When the first of them will have waited for auth too long; 0: none does. */
int64_t requests_deadline(const struct requests *r);

/* How many of them are under way? */
int requests_count(const struct requests *r);

#endif
