#include <string.h>

#include "settings/view.h"

int
view_asks_code(const struct account *account, const struct factors *factors)
{
	return account->two_factor && factors->has_secret;
}

void
view_account(struct self_account *v, const struct account *a,
    const struct factors *f)
{
	memset(v, 0, sizeof(*v));
	strlcpy(v->address, a->address, sizeof(v->address));
	v->access = a->access;
	v->spam = a->policy.spam;
	v->auto_delete = a->policy.auto_delete != 0;
	v->keep = a->policy.keep;
	v->mark_read = a->policy.mark_read != 0;
	v->send = a->send != 0;
	v->has_password = a->hash[0] != '\0';
	v->two_factor = a->two_factor != 0;
	v->totp = view_asks_code(a, f) != 0;
	v->recovery_left = v->totp ? (uint32_t)f->nrecovery : 0;
	v->apps = (uint32_t)a->napp;
}

void
view_app(struct self_app *v, const struct app_password *a)
{
	size_t i;

	memset(v, 0, sizeof(*v));
	strlcpy(v->label, a->label, sizeof(v->label));
	v->created = a->created;
	v->expires = a->expires;
	v->services = a->services;
	v->read_only = a->read_only != 0;
	v->networks = (uint32_t)a->nnetwork;
	for (i = 0; i < a->nnetwork; i++)
		(void)network_text(&a->network[i], v->network[i]);
}

/* They are appended when they are made. */
void
view_apps(struct self_apps *v, const struct account *a, uint32_t from)
{
	size_t i;

	memset(v, 0, sizeof(*v));
	v->total = (uint32_t)a->napp;
	v->from = from;
	for (i = from; i < a->napp && v->n < SELF_APPS; i++)
		view_app(&v->app[v->n++], &a->app[a->napp - 1 - i]);
}
