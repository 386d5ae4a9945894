/*
 * pop3ctl journal, last: what mailboxes' journals tell.  They are read by
 * their owners, who can do nothing else by then, and without the lock.
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

#define DIR_SIZE (MAILDIR_MAX + sizeof("/pop3d"))

struct reading {
	const struct conf *conf;
	int (*run)(const struct reading *, const char *dir);
	const struct target *target; /* one of n */
	size_t n;
	int json, labels;
};

static int
not_read(const struct reading *r, int error)
{
	if (error == INDEX_NEWER)
		return ctl_fail("%s: the journal was begun by a newer pop3d; "
				"install that version again",
		    r->target->address);
	return ctl_fail("%s: the journal cannot be read: %s",
	    r->target->address, strerror(error));
}

/* Tells where there is no mailbox; an empty name stands for it. */
static int
find_dirs(const struct reading *r, char dir[][DIR_SIZE])
{
	int status = CTL_GOOD;
	struct stat st;
	size_t i;

	for (i = 0; i < r->n; i++) {
		snprintf(
		    dir[i], DIR_SIZE, "%s/pop3d", r->target[i].maildir);
		if (stat(r->target[i].maildir, &st) == 0)
			continue;
		status = ctl_fail("%s: %s: %s", r->target[i].address,
		    r->target[i].maildir, strerror(errno));
		dir[i][0] = '\0';
	}
	return status;
}

/* In the owner's process: from the sandbox on it can only read. */
static int
lock_in_and_read(void *arg)
{
	static char dir[TARGETS_AT_ONCE][DIR_SIZE]; /* large */
	const char *there[TARGETS_AT_ONCE];
	const struct reading *r = arg;
	struct reading one = *r;
	size_t i, n = 0;
	int status = find_dirs(r, dir);

	for (i = 0; i < r->n; i++)
		if (dir[i][0] != '\0')
			there[n++] = dir[i];
	if (n > 0 && sandbox_reader(there, n, r->conf->sandbox_required) == -1)
		return ctl_fail(
		    "%s: %s", r->target->address, log_last_warning());
	for (i = 0; i < r->n && !owner_interrupted(); i++) {
		one.target = &r->target[i];
		if (dir[i][0] != '\0' && r->run(&one, dir[i]) != CTL_GOOD)
			status = CTL_FAILED;
	}
	return status;
}

static int
read_some(const struct target *t, size_t n, void *arg)
{
	struct reading *r = arg;

	r->target = t;
	r->n = n;
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

	return targets_each_batch(r.conf, 1, args->word, read_some, &r);
}

/* A value of a journal, which its owner can forge, for a terminal. */
static void
print_field(const char *key, const char *value)
{
	char safe[LOG_SAFE_MAX];

	printf(" %s=%s", key, log_safe(safe, sizeof(safe), value));
}

/* The last login by a label; NULL: there was none. */
static void
print_last_line(const struct reading *r, const struct known_label *l)
{
	fputs(r->target->address, stdout);
	if (l == NULL) {
		puts(" never");
		return;
	}
	print_field("time", l->time);
	print_field("peer", l->peer);
	print_field("service", l->service);
	print_field("label", l->label);
	putchar('\n');
}

static void
print_last(const struct reading *r, const struct known_label *l)
{
	if (!r->json) {
		print_last_line(r, l);
		return;
	}
	fputs("{\"address\":", stdout);
	ctl_json_string(stdout, r->target->address);
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

/* By mail programs alone; with -l, by whatever can still be used. */
static int
is_wanted(const struct reading *r, const struct known_label *l)
{
	return r->labels ? !l->revoked : !known_is_page(l);
}

static int
run_last(const struct reading *r, const char *dir)
{
	static struct known known; /* large */
	int error = journal_known(dir, &known);
	size_t i, n = 0;

	if (error != 0)
		return not_read(r, error);
	for (i = known.nlabel; i > 0 && (r->labels || n == 0); i--)
		if (is_wanted(r, &known.label[i - 1])) {
			print_last(r, &known.label[i - 1]);
			n++;
		}
	if (n == 0 && (!r->labels || known.nlabel == 0))
		print_last(r, NULL);
	return CTL_GOOD;
}

int
ctl_last(const struct args *args)
{
	struct reading r = { .conf = args->conf,
		.run = run_last,
		.json = args->option['j'] != NULL,
		.labels = args->option['l'] != NULL };

	return targets_each_batch(r.conf, args->n,
	    args->option['a'] != NULL ? NULL : args->word, read_some, &r);
}
