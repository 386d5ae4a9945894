/*
 * pop3ctl journal, last: what mailboxes' journals tell.  They are read by
 * their owners, in the store's sandbox, and without the lock.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"
#include "common/sandbox.h"
#include "ctl/ctl.h"
#include "ctl/owner.h"
#include "ctl/targets.h"
#include "store/journal.h"

struct reading {
	const struct conf *conf;
	int (*run)(const struct reading *, const char *dir);
	struct target target;
	int json, labels;
};

static int
not_read(const struct reading *r, int error)
{
	if (error == INDEX_NEWER)
		return ctl_fail("%s: the journal was begun by a newer pop3d; "
				"install that version again",
		    r->target.address);
	return ctl_fail("%s: the journal cannot be read: %s",
	    r->target.address, strerror(error));
}

/* In the owner's process. */
static int
lock_in_and_read(void *arg)
{
	const struct reading *r = arg;
	char dir[MAILDIR_MAX + sizeof("/pop3d")];
	struct stat st;

	if (stat(r->target.maildir, &st) == -1)
		return ctl_fail("%s: %s: %s", r->target.address,
		    r->target.maildir, strerror(errno));
	if (sandbox_store(
		r->target.maildir, -1, r->conf->sandbox_required) == -1)
		return ctl_fail(
		    "%s: %s", r->target.address, log_last_warning());
	snprintf(dir, sizeof(dir), "%s/pop3d", r->target.maildir);
	return r->run(r, dir);
}

static int
read_one(const struct target *t, void *arg)
{
	struct reading *r = arg;

	r->target = *t;
	return owner_run(t->address, t->uid, t->gid, lock_in_and_read, r);
}

static void
print_line(void *arg, const struct journal_line *line)
{
	const struct reading *r = arg;
	size_t i;

	if (!r->json) {
		puts(line->text);
		return;
	}
	for (i = 0; i < line->n; i++) {
		fputs(i == 0 ? "{" : ",", stdout);
		ctl_json_string(stdout, line->key[i]);
		putchar(':');
		ctl_json_string(stdout, line->value[i]);
	}
	puts("}");
}

static int
run_journal(const struct reading *r, const char *dir)
{
	struct reading copy = *r;
	int error = journal_read(dir, print_line, &copy);

	return error == 0 ? CTL_GOOD : not_read(r, error);
}

int
ctl_journal(const struct args *args)
{
	struct reading r = { .conf = args->conf,
		.run = run_journal,
		.json = args->option['j'] != NULL };

	return targets_each(r.conf, 1, args->word, read_one, &r);
}

/* The last login by a label; NULL: there was none. */
static void
print_last(const struct reading *r, const struct known_label *l)
{
	char safe[4 * LABEL_MAX + 1];

	if (!r->json) {
		if (l == NULL)
			printf("%s never\n", r->target.address);
		else
			printf("%s time=%s peer=%s service=%s label=%s\n",
			    r->target.address, l->time, l->peer, l->service,
			    log_safe(safe, sizeof(safe), l->label));
		return;
	}
	fputs("{\"address\":", stdout);
	ctl_json_string(stdout, r->target.address);
	if (l == NULL) {
		puts(",\"time\":null}");
		return;
	}
	fputs(",\"time\":", stdout);
	ctl_json_string(stdout, l->time);
	fputs(",\"peer\":", stdout);
	ctl_json_string(stdout, l->peer);
	fputs(",\"service\":", stdout);
	ctl_json_string(stdout, l->service);
	fputs(",\"label\":", stdout);
	ctl_json_string(stdout, l->label);
	puts("}");
}

static int
run_last(const struct reading *r, const char *dir)
{
	static struct known known; /* large */
	int error = journal_known(dir, &known);
	size_t i, least;

	if (error != 0)
		return not_read(r, error);
	if (known.nlabel == 0)
		print_last(r, NULL);
	least = r->labels || known.nlabel == 0 ? 0 : known.nlabel - 1;
	for (i = known.nlabel; i > least; i--)
		print_last(r, &known.label[i - 1]);
	return CTL_GOOD;
}

int
ctl_last(const struct args *args)
{
	struct reading r = { .conf = args->conf,
		.run = run_last,
		.json = args->option['j'] != NULL,
		.labels = args->option['l'] != NULL };

	return targets_each(r.conf, args->n,
	    args->option['a'] != NULL ? NULL : args->word, read_one, &r);
}
