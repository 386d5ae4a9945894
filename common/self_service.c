#include <stddef.h>
#include <string.h>

#include "common/self_service.h"

#define STRING(structure, field)                     \
	{                                            \
		offsetof(structure, field),          \
		    sizeof(((structure *)NULL)->field), \
	}
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct string {
	size_t offset, size;
};

static const struct string asked[] = {
	STRING(struct self_request, peer),
	STRING(struct self_request, cookie),
	STRING(struct self_request, address),
	STRING(struct self_request, password),
	STRING(struct self_request, new_password),
	STRING(struct self_request, code),
	STRING(struct self_request, token),
	STRING(struct self_request, label),
	STRING(struct self_request, uidl),
};

static const struct string answered[] = {
	STRING(struct self_answer, cookie),
	STRING(struct self_answer, account.address),
};

static const struct string of_login[] = {
	STRING(struct self_login, peer),
	STRING(struct self_login, label),
	STRING(struct self_login, service),
};

static const struct string of_app[] = {
	STRING(struct self_app, label),
	STRING(struct self_app, peer),
	STRING(struct self_app, network[0]),
	STRING(struct self_app, network[1]),
	STRING(struct self_app, network[2]),
	STRING(struct self_app, network[3]),
};

static const struct string of_message[] = {
	STRING(struct self_message, uidl),
	STRING(struct self_message, from),
	STRING(struct self_message, subject),
};

static const struct string of_event[] = {
	STRING(struct self_event, id),
	STRING(struct self_event, peer),
	STRING(struct self_event, label),
	STRING(struct self_event, service),
	STRING(struct self_event, uidl),
	STRING(struct self_event, reason),
};

static void
end_strings(void *of, const struct string *s, size_t n)
{
	for (; n > 0; n--, s++)
		((char *)of)[s->offset + s->size - 1] = '\0';
}

int
self_request_settle(struct self_request *r)
{
	if (r->version != SELF_VERSION)
		return 0;
	end_strings(r, asked, COUNT(asked));
	return r->want > 0 && r->want < SELF_WANTS;
}

static void
settle_server(struct self_server *s)
{
	s->host[SELF_HOST_MAX] = '\0';
}

static int
settle_client(struct self_client *c)
{
	uint32_t i;

	c->user[ADDRESS_MAX] = '\0';
	settle_server(&c->incoming);
	for (i = 0; i < SELF_OUTGOING; i++)
		settle_server(&c->outgoing[i]);
	return c->noutgoing <= SELF_OUTGOING;
}

static int
settle_app(struct self_app *a)
{
	end_strings(a, of_app, COUNT(of_app));
	return a->networks <= COUNT(a->network);
}

/* A list of n elements, of which there may be max. */
static int
settle_list(void *list, size_t size, uint32_t n, uint32_t max,
    const struct string *strings, size_t nstrings)
{
	uint32_t i;

	if (n > max)
		return 0;
	for (i = 0; i < n; i++)
		end_strings((char *)list + i * size, strings, nstrings);
	return 1;
}

#define LIST(list, n, max, strings) \
	settle_list(list, sizeof((list)[0]), n, max, strings, COUNT(strings))

static int
settle_apps(struct self_apps *a)
{
	uint32_t i;

	if (!LIST(a->app, a->n, SELF_APPS, of_app))
		return 0;
	for (i = 0; i < a->n; i++)
		if (!settle_app(&a->app[i]))
			return 0;
	return 1;
}

static int
settle_made(struct self_made *m)
{
	m->password[sizeof(m->password) - 1] = '\0';
	return settle_app(&m->app) && settle_client(&m->client);
}

static int
settle_recovery(struct self_recovery *r)
{
	uint32_t i;

	for (i = 0; i < SELF_RECOVERIES; i++)
		r->code[i][SELF_RECOVERY_MAX] = '\0';
	return r->n <= SELF_RECOVERIES;
}

static int
settle_secret(struct self_secret *s)
{
	s->secret[SELF_SECRET_MAX] = s->issuer[SELF_HOST_MAX] = '\0';
	return 1;
}

static int
settle_page(struct self_answer *a)
{
	switch ((enum self_want)a->want) {
	case SELF_OVERVIEW:
		return LIST(a->page.overview.login, a->page.overview.n,
		    SELF_LOGINS, of_login);
	case SELF_APPS_LIST:
		return settle_apps(&a->page.apps);
	case SELF_APP_MAKE:
		return settle_made(&a->page.made);
	case SELF_KEPT_LIST:
		return LIST(a->page.kept.message, a->page.kept.n, SELF_KEPT,
		    of_message);
	case SELF_ACTIVITY:
		return LIST(a->page.activity.event, a->page.activity.n,
		    SELF_EVENTS, of_event);
	case SELF_CLIENT:
		return settle_client(&a->page.client);
	case SELF_TOTP_START:
		return settle_secret(&a->page.secret);
	case SELF_TOTP_CONFIRM:
	case SELF_RECOVERY:
		return settle_recovery(&a->page.recovery);
	default:
		return 1;
	}
}

int
self_answer_settle(struct self_answer *a)
{
	if (a->version != SELF_VERSION)
		return 0;
	end_strings(a, answered, COUNT(answered));
	if (a->result >= SELF_RESULTS)
		return 0;
	return a->result != SELF_GOOD || settle_page(a);
}
