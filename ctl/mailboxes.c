/*
 * pop3ctl queue, requeue, purge, index, check, import-mbox, import-uidls:
 * mailboxes, by the store's own hand, as their owners and in the store's
 * sandbox.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/sandbox.h"
#include "ctl/ctl.h"
#include "ctl/mbox_file.h"
#include "ctl/owner.h"
#include "ctl/settings.h"
#include "ctl/targets.h"
#include "store/boot.h"
#include "store/check.h"
#include "store/journal.h"
#include "store/mailbox.h"
#include "store/maildir.h"
#include "store/report.h"
#include "store/takeover.h"
#include "store/uidl_format.h"

#define LOCK_WAIT_MS 2000

/* What is done in a mailbox, by its owner. */
struct job {
	const struct conf *conf;
	int (*run)(struct job *job);
	int (*spares)(const struct job *job); /* is there nothing to do? */
	struct mailbox *mailbox;
	struct target target;
	int all, json;
	int opens;    /* run() does it by itself */
	int checks;   /* it tells itself what it found damaged */
	int writes;   /* without an index on the disk it is in vain */
	int routine;  /* with all, what is in use waits for the next time */
	int terminal; /* somebody watches how far it is */
	int64_t days; /* of purge: kept for so long; -1: as keep says */
	uint64_t printed;
	char **uidl; /* of requeue, up to NULL */
	int fd;		  /* of import-mbox */
	const char *file; /* its name */
	struct import *import;
	struct takeover *takeover; /* of import-uidls */
};

/* Stops the work where it is, once that was asked for. */
static int
show_progress(void *arg, uint64_t done, uint64_t all)
{
	const struct job *job = arg;

	if (all > 0 && job->terminal)
		fprintf(stderr, "\r%s: %llu of %llu ", job->target.address,
		    (unsigned long long)done, (unsigned long long)all);
	return owner_interrupted();
}

/* What told how far it is gives its line to what came of it. */
static void
end_progress(const struct job *job)
{
	if (job->terminal)
		fputs("\r\033[K", stderr);
}

static int
import_refused(const struct job *job)
{
	const int error = job->import->error;

	if (error == EINVAL)
		return ctl_fail("%s: %s is no mbox: it does not begin with "
				"\"From \"; nothing was imported",
		    job->target.address, job->file);
	if (error == EAGAIN)
		return ctl_fail("%s: somebody has %s locked, or writes to it; "
				"stop what delivers to it; nothing was "
				"imported",
		    job->target.address, job->file);
	if (error == ECANCELED)
		return ctl_fail("%s: interrupted; nothing was imported",
		    job->target.address);
	return ctl_fail("%s: %s; run it again when that is mended, nothing "
			"will be doubled",
	    job->target.address, log_last_warning());
}

static int
refused(const struct job *job, enum trouble trouble)
{
	end_progress(job);
	if (job->import != NULL && job->import->error != 0)
		return import_refused(job);
	if (owner_interrupted())
		return ctl_fail("%s: interrupted; what was done is kept, run "
				"it again to go on",
		    job->target.address);
	if (trouble == TROUBLE_IN_USE && job->routine && job->all) {
		if (job->terminal)
			fprintf(stderr, "%s: passed by, a session has the "
			    "mailbox\n", job->target.address);
		return CTL_GOOD;
	}
	if (trouble == TROUBLE_IN_USE)
		return ctl_fail("%s: a session has the mailbox; try again "
				"when it is over",
		    job->target.address);
	return ctl_fail("%s: the mailbox cannot be used: %s",
	    job->target.address, log_last_warning());
}

static int
open_and_run(struct job *job)
{
	enum trouble trouble;
	int status;

	trouble = mailbox_open(job->mailbox, LOCK_WAIT_MS);
	if (trouble == TROUBLE_NONE)
		trouble = mailbox_settle(job->mailbox);
	if (trouble != TROUBLE_NONE)
		return refused(job, trouble);
	end_progress(job);
	if (job->writes && mailbox_is_in_memory(job->mailbox))
		return ctl_fail(
		    "%s: %s", job->target.address, log_last_warning());
	if (mailbox_was_remade(job->mailbox) && !job->checks)
		fprintf(stderr, "pop3ctl: %s: %s\n", job->target.address,
		    log_last_warning());
	status = job->run(job);
	mailbox_close(job->mailbox);
	return status;
}

/* In the owner's process: from here on it can do no more than a session's. */
static int
lock_in_and_run(void *arg)
{
	struct job *job = arg;
	const struct target *t = &job->target;
	struct view view = { .maildir = t->maildir, .junk = job->conf->junk,
		.policy = t->policy };
	int status;

	boot_learn(); /* reads /proc */
	/*
	 * Reads /etc/localtime, for dates in an mbox; named, for otherwise
	 * mktime(3) looks each time whether there is another one.
	 */
	(void)setenv("TZ", ":/etc/localtime", 0);
	tzset();
	/* As his first login would. */
	if (strchr(t->address, '@') == NULL)
		maildir_make_at_home(t->maildir);
	job->mailbox = mailbox_new(&view, show_progress, job);
	if (job->mailbox == NULL)
		return ctl_fail("%s: out of memory", t->address);
	if (sandbox_store(t->maildir, -1, job->conf->sandbox_required) == -1)
		return ctl_fail("%s: %s", t->address, log_last_warning());
	status = job->opens ? job->run(job) : open_and_run(job);
	mailbox_free(job->mailbox);
	return status;
}

/* The administrator's file is all that it has to read from. */
static int
run_as_owner(struct job *job)
{
	struct owner o = { .name = job->target.address,
		.uid = job->target.uid, .gid = job->target.gid,
		.in = job->import != NULL ? job->fd : -1, .out = -1,
		.run = lock_in_and_run, .arg = job };

	if (owner_start(&o) != CTL_GOOD)
		return CTL_FAILED;
	return owner_wait(&o);
}

static int
run_one(const struct target *t, void *arg)
{
	struct job *job = arg;

	job->target = *t;
	return job->spares != NULL && job->spares(job) ? CTL_GOOD :
							 run_as_owner(job);
}

/* One mailbox after the other; the worst status of all. */
static int
each_mailbox(struct job *job, int n, char *address[])
{
	job->terminal = isatty(STDERR_FILENO);
	return targets_each(job->conf, n, address, run_one, job);
}

/* ADDRESS ... | -a */
static int
named_or_all(struct job *job, const struct args *args)
{
	job->all = args->option['a'] != NULL;
	return each_mailbox(job, args->n, job->all ? NULL : args->word);
}

static const char *const folder_words[] = { "inbox", "junk" };
static const char *const state_words[] = { "queued", "retained", "earlier",
	"expunging", "left-out" };

static void
print_entry(struct job *job, const struct entry *e, uint64_t number)
{
	char uidl[UIDL_MAX + 1];

	(void)entry_uidl(e, uidl);
	if (job->json) {
		fputs(job->printed++ > 0 ? ",\n" : "[", stdout);
		printf("{\"number\":");
		if (number > 0)
			printf("%llu", (unsigned long long)number);
		else
			printf("null");
		printf(",\"octets\":%llu,\"uidl\":",
		    (unsigned long long)e->octets);
		ctl_json_string(stdout, uidl);
		printf(",\"folder\":\"%s\",\"state\":\"%s\"}",
		    folder_words[e->folder], state_words[e->state]);
		return;
	}
	if (number > 0)
		printf("%llu", (unsigned long long)number);
	else
		putchar('-');
	printf(" %llu %s %s", (unsigned long long)e->octets, uidl,
	    folder_words[e->folder]);
	printf(job->all ? " %s\n" : "\n", state_words[e->state]);
}

static int
print_kept(void *arg, struct entry *e)
{
	print_entry(arg, e, 0);
	return 0;
}

static int
run_queue(struct job *job)
{
	uint64_t n, count = mailbox_count(job->mailbox);
	struct entry e;
	enum trouble trouble = TROUBLE_NONE;

	for (n = 1; n <= count; n++) {
		trouble = owner_interrupted() ? TROUBLE_TEMP :
		    mailbox_entry(job->mailbox, n, &e);
		if (trouble != TROUBLE_NONE)
			return refused(job, trouble);
		e.state = QUEUED;
		print_entry(job, &e, n);
	}
	if (job->all)
		trouble = mailbox_each_kept(job->mailbox, print_kept, job);
	if (trouble != TROUBLE_NONE)
		return refused(job, trouble);
	if (job->json)
		puts(job->printed > 0 ? "]" : "[]");
	return CTL_GOOD;
}

int
ctl_queue(const struct args *args)
{
	struct job job = { .conf = args->conf,
		.run = run_queue,
		.all = args->option['a'] != NULL,
		.json = args->option['j'] != NULL };

	return each_mailbox(&job, 1, args->word);
}

/* What the administrator has done, the owner can see in his journal. */
static void
tell_journal(const struct job *job, const char *event, uint64_t messages)
{
	char buf[JOURNAL_LINE_MAX + 1];
	struct journal_text t;

	if (messages == 0)
		return;
	journal_text_init(&t, buf, sizeof(buf));
	journal_begin_now(&t, event, "");
	journal_field(&t, "user", job->target.address);
	journal_field(&t, "service", "pop3ctl");
	journal_number(&t, "messages", messages);
	journal_end(&t);
	(void)report_lines(job->mailbox, &t, 1);
}

/* One message by its UIDL, or (NULL) all that is kept. */
static int
requeue_some(struct job *job, const char *uidl, uint64_t *requeued)
{
	uint64_t n = 0;
	enum trouble trouble = mailbox_requeue(job->mailbox, uidl, &n);

	*requeued += n;
	if (trouble != TROUBLE_NONE)
		return refused(job, trouble);
	if (uidl != NULL && n == 0)
		return ctl_fail("%s has kept no message %s; `pop3ctl "
		    "queue -a %s' shows them", job->target.address, uidl,
		    job->target.address);
	return CTL_GOOD;
}

static int
run_requeue(struct job *job)
{
	uint64_t requeued = 0;
	int status = CTL_GOOD;
	char **uidl;

	if (job->all)
		status = requeue_some(job, NULL, &requeued);
	for (uidl = job->uidl; uidl != NULL && *uidl != NULL; uidl++)
		if (requeue_some(job, *uidl, &requeued) != CTL_GOOD)
			status = CTL_FAILED;
	tell_journal(job, "requeued", requeued);
	printf("%s: %llu in the queue again\n", job->target.address,
	    (unsigned long long)requeued);
	return status;
}

int
ctl_requeue(const struct args *args)
{
	struct job job = { .conf = args->conf,
		.run = run_requeue,
		.writes = 1,
		.all = args->option['a'] != NULL };

	job.uidl = job.all ? NULL : args->word + 1;
	return each_mailbox(&job, 1, args->word);
}

static int
run_purge(struct job *job)
{
	const struct target *t = &job->target;
	struct purged purged;
	enum trouble trouble;

	trouble = mailbox_purge(job->mailbox,
	    job->days != -1 ? job->days : t->policy.keep, &purged);
	if (trouble != TROUBLE_NONE)
		return refused(job, trouble);
	tell_journal(job, "purged", purged.messages);
	if (purged.messages > 0)
		log_info("purged: user=%s messages=%llu octets=%llu",
		    t->address, (unsigned long long)purged.messages,
		    (unsigned long long)purged.octets);
	if (purged.messages > 0 || !job->all)
		printf("%s: %llu purged, %llu octets\n", t->address,
		    (unsigned long long)purged.messages,
		    (unsigned long long)purged.octets);
	return CTL_GOOD;
}

/* Most accounts keep all for ever: their mailboxes are not even opened. */
static int
keeps_for_ever(const struct job *job)
{
	if (job->days != -1 || job->target.policy.keep != FOR_EVER)
		return 0;
	if (!job->all)
		printf("%s: 0 purged, keep=forever\n", job->target.address);
	return 1;
}

int
ctl_purge(const struct args *args)
{
	struct job job = { .conf = args->conf, .run = run_purge,
		.spares = keeps_for_ever, .writes = 1, .routine = 1,
		.days = -1 };
	const char *wrong, *days = args->option['o'];

	if (days != NULL) {
		job.days = strtonum(days, 0, DAYS_MAX, &wrong);
		if (wrong != NULL)
			return ctl_fail("-o %s: write a number of days from "
					"0 to %d", days, DAYS_MAX);
	}
	return named_or_all(&job, args);
}

/* All of it is read, whatever the directories' times say. */
static int
run_index(struct job *job)
{
	enum trouble trouble = mailbox_read_all(job->mailbox);

	if (trouble != TROUBLE_NONE)
		return refused(job, trouble);
	end_progress(job);
	printf("%s: %llu messages, %llu octets\n", job->target.address,
	    (unsigned long long)mailbox_count(job->mailbox),
	    (unsigned long long)mailbox_octets(job->mailbox));
	return CTL_GOOD;
}

int
ctl_index(const struct args *args)
{
	struct job job = { .conf = args->conf, .run = run_index, .writes = 1,
		.routine = 1 };

	return named_or_all(&job, args);
}

static void
say(void *arg, const char *sentence)
{
	const struct job *job = arg;

	printf("%s: mended: %s\n", job->target.address, sentence);
}

static int
run_check(struct job *job)
{
	uint64_t mended = 0;
	enum trouble trouble;

	trouble = mailbox_check(job->mailbox, say, job, &mended);
	end_progress(job);
	if (trouble != TROUBLE_NONE)
		return refused(job, trouble);
	printf("%s: %llu messages, %llu octets, %llu mended\n",
	    job->target.address,
	    (unsigned long long)mailbox_count(job->mailbox),
	    (unsigned long long)mailbox_octets(job->mailbox),
	    (unsigned long long)mended);
	return CTL_GOOD;
}

int
ctl_check(const struct args *args)
{
	struct job job = { .conf = args->conf, .run = run_check, .checks = 1 };

	return named_or_all(&job, args);
}

/* It tells how much of the file has been read. */
static int
show_read(void *arg, uint64_t done, uint64_t all)
{
	const struct job *job = arg;

	if (job->terminal)
		fprintf(stderr, "\r%s: %llu of %llu MB read ",
		    job->target.address, (unsigned long long)(done >> 20),
		    (unsigned long long)(all >> 20));
	return owner_interrupted();
}

/* Settings of the account may keep it from being seen. */
static void
tell_hidden(const struct job *job)
{
	const char *address = job->target.address;

	if (job->import->added > 0 && job->target.policy.from_now != 0)
		(void)ctl_fail("warning: %s: POP does not show what is older "
		    "than its access=from-now; `pop3ctl set %s access=all' "
		    "shows it", address, address);
	if (job->import->added > 0 && job->target.policy.spam == SPAM_ONLY)
		(void)ctl_fail("warning: %s: POP shows its junk folder alone, "
		    "and they are in the inbox; `pop3ctl set %s "
		    "spam=exclude' shows them", address, address);
}

/* Whoever wrote the file may have meant something else by these. */
static void
tell_odd(const struct job *job)
{
	const struct mbox_odd *odd = &job->import->odd;

	if (odd->joined > 0)
		fprintf(stderr, "pop3ctl: %s: %llu lines \"From \" behind "
		    "an empty line end no message of %s: they have no date "
		    "that is known, or Content-Length goes beyond them\n",
		    job->target.address, (unsigned long long)odd->joined,
		    job->file);
	if (odd->bare > 0)
		fprintf(stderr, "pop3ctl: %s: %llu messages of %s begin "
		    "without an empty line before: they may be parts of "
		    "others\n", job->target.address,
		    (unsigned long long)odd->bare, job->file);
}

/* The messages are in new/ and cur/: they are indexed here and now. */
static int
run_import(struct job *job)
{
	const struct import *im = job->import;
	enum trouble trouble = mailbox_import(job->mailbox, job->import);

	if (im->error != 0)
		return refused(job, trouble);
	end_progress(job);
	printf("%s: %llu messages imported, %llu were there already, %zu "
	       "unique-ids kept\n", job->target.address,
	    (unsigned long long)im->added, (unsigned long long)im->present,
	    im->with_id);
	tell_hidden(job);
	tell_odd(job);
	return trouble != TROUBLE_NONE ? refused(job, trouble) : CTL_GOOD;
}

int
ctl_import_mbox(const struct args *args)
{
	const char *ids = args->option['f'];
	struct import import = { .progress = show_read };
	struct job job = { .conf = args->conf,
		.run = run_import,
		.writes = 1,
		.file = args->word[1],
		.import = &import };
	int status;

	if (ids != NULL && strcmp(ids, "dovecot") != 0 &&
	    strcmp(ids, "none") != 0)
		return ctl_fail("-f %s: it can be dovecot or none", ids);
	import.ids = ids == NULL || strcmp(ids, "none") != 0;
	if ((job.fd = mbox_file_open(job.file)) == -1)
		return CTL_FAILED;
	import.fd = STDIN_FILENO;
	import.progress_arg = &job;
	status = each_mailbox(&job, 1, args->word);
	close(job.fd);
	return status;
}

static void
say_left(void *arg, const char *sentence)
{
	const struct job *job = arg;

	printf("%s: %s\n", job->target.address, sentence);
}

static void
show_taken(void *arg, const char *uidl, const char *name)
{
	const struct job *job = arg;

	printf("%s: %s %s\n", job->target.address, uidl, name);
}

/* The lists that were read, one or two of them. */
static const char *
lists(const struct takeover *t, char text[64])
{
	const enum foreign *list = t->list;

	if (list[INBOX] == FOREIGN_NONE || list[JUNK] == FOREIGN_NONE ||
	    list[INBOX] == list[JUNK])
		return foreign_name(
		    list[INBOX] != FOREIGN_NONE ? list[INBOX] : list[JUNK]);
	snprintf(text, 64, "%s, %s", foreign_name(list[INBOX]),
	    foreign_name(list[JUNK]));
	return text;
}

static int
run_import_uidls(struct job *job)
{
	struct takeover t = *job->takeover;
	enum trouble trouble;
	char text[64];

	t.say = say_left;
	t.show = t.dry ? show_taken : NULL;
	t.arg = job;
	trouble = mailbox_take_over(job->mailbox, LOCK_WAIT_MS, &t);
	if (trouble != TROUBLE_NONE)
		return refused(job, trouble);
	if (t.list[INBOX] == FOREIGN_NONE && t.list[JUNK] == FOREIGN_NONE)
		printf("%s: no %s: nothing to do, where the unique-ids were "
		    "the base names, as qmail-pop3d's are\n",
		    job->target.address, t.wanted != FOREIGN_NONE ?
		    foreign_name(t.wanted) :
		    "dovecot-uidlist and no courierpop3dsizelist");
	else
		printf("%s: %llu unique-ids of %s %s; %llu were here already, "
		    "%llu are the base name, %llu are left out\n",
		    job->target.address, (unsigned long long)t.taken,
		    lists(&t, text), t.dry ? "would be taken over" :
		    "taken over", (unsigned long long)t.had,
		    (unsigned long long)t.own, (unsigned long long)t.left);
	return CTL_GOOD;
}

int
ctl_import_uidls(const struct args *args)
{
	struct takeover takeover = { .format = UIDL_FORMAT_DEFAULT,
		.dry = args->option['n'] != NULL };
	struct job job = { .conf = args->conf, .run = run_import_uidls,
		.opens = 1, .takeover = &takeover };
	const char *fault, *format = args->option['f'];

	if (format != NULL && strcmp(format, "courier") == 0)
		takeover.wanted = FOREIGN_COURIER;
	else if (format != NULL) {
		if ((fault = uidl_format_fault(format)) != NULL)
			return ctl_fail("-f %s: %s", format, fault);
		takeover.format = format;
		takeover.wanted = FOREIGN_DOVECOT;
	}
	return named_or_all(&job, args);
}
