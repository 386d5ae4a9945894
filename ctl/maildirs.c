#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/address.h"
#include "ctl/ctl.h"
#include "ctl/maildirs.h"
#include "ctl/owner.h"
#include "store/maildir.h"

struct missing {
	char *address;
	char *maildir;
	uid_t uid;
	gid_t gid;
};

/* Some that belong to the same owner. */
struct run {
	const struct missing *first;
	size_t n;
};

static char *
keep(const char *s)
{
	char *copy = strdup(s);

	if (copy == NULL)
		abort();
	return copy;
}

int
maildirs_is_missing(const struct account *a)
{
	static const char *const opened[] = { "new", "cur" };
	char sub[MAILDIR_MAX + sizeof("/new")];
	size_t i;

	for (i = 0; i < sizeof(opened) / sizeof(opened[0]); i++) {
		snprintf(sub, sizeof(sub), "%s/%s", a->maildir, opened[i]);
		if (access(sub, F_OK) == -1)
			return 1;
	}
	return 0;
}

void
maildirs_note(struct maildirs *m, const struct account *a)
{
	struct missing *new;

	if (!maildirs_is_missing(a))
		return;
	if (m->n == m->room) {
		m->room = m->room * 2 + 16;
		m->missing =
		    reallocarray(m->missing, m->room, sizeof(m->missing[0]));
		if (m->missing == NULL)
			abort();
	}
	new = &m->missing[m->n++];
	new->address = keep(a->address);
	new->maildir = keep(a->maildir);
	new->uid = a->uid;
	new->gid = a->gid;
}

static int
make_run(void *arg)
{
	const struct run *run = arg;
	const struct missing *bad = NULL;
	size_t i, failed = 0;
	char who[64], more[64] = "";
	int error, why = 0;

	for (i = 0; i < run->n; i++) {
		error = maildir_make(run->first[i].maildir);
		if (error != 0 && failed++ == 0) {
			bad = &run->first[i];
			why = error;
		}
	}
	if (bad == NULL)
		return CTL_GOOD;
	owner_name(bad->uid, bad->gid, who, sizeof(who));
	if (failed > 1)
		snprintf(more, sizeof(more), " (and %zu more)", failed - 1);
	(void)ctl_fail(
	    "warning: %s: %s could not make the Maildir %s: "
	    "%s%s; the account is there: mount its file system, or make its "
	    "Maildir by another `pop3ctl add %s', before the first login",
	    bad->address, who, bad->maildir, strerror(why), more,
	    bad->address);
	return CTL_FAILED;
}

int
maildirs_make(struct maildirs *m)
{
	int status = CTL_GOOD;
	struct run run;
	size_t i;

	for (i = 0; i < m->n; i += run.n) {
		run.first = &m->missing[i];
		for (run.n = 1; i + run.n < m->n; run.n++)
			if (run.first[run.n].uid != run.first->uid ||
			    run.first[run.n].gid != run.first->gid)
				break;
		if (owner_run(run.first->address, run.first->uid,
			run.first->gid, make_run, &run) != CTL_GOOD)
			status = CTL_FAILED;
	}
	for (i = 0; i < m->n; i++) {
		free(m->missing[i].address);
		free(m->missing[i].maildir);
	}
	free(m->missing);
	memset(m, 0, sizeof(*m));
	return status;
}
