/*
 * pop3ctl queue, requeue, index, check: mailboxes, by the store's own
 * hand and as their owners.
 */
#include <sys/wait.h>

#include <db.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privdrop.h"
#include "ctl/ctl.h"
#include "store/check.h"
#include "store/lock.h"
#include "store/mailbox.h"
#include "store/update.h"

#define LOCK_WAIT_MS 2000

/* What is done in one mailbox, in a process of its own. */
struct job {
	const struct conf *conf;
	int (*run)(struct job *job, struct mailbox *mb);
	const struct account *account;
	int all, json;
	int checks; /* it tells itself what it found damaged */
	uint64_t printed;
	char **uidl; /* of requeue, up to NULL */
};

static volatile sig_atomic_t interrupted;

static void
interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* The lines of a terminal, and the end of it by Ctrl-C. */
static int
progress(void *arg, uint64_t done, uint64_t all)
{
	const struct job *job = arg;

	if (all > 0 && isatty(STDERR_FILENO))
		fprintf(stderr, "\r%s: %llu of %llu ", job->account->address,
		    (unsigned long long)done, (unsigned long long)all);
	return interrupted;
}

static int
refused(const struct job *job, enum trouble trouble)
{
	if (interrupted)
		return ctl_fail("%s: interrupted; what was done is kept, run "
		    "it again to go on", job->account->address);
	if (trouble == TROUBLE_IN_USE)
		return ctl_fail("%s: a session has the mailbox; try again "
		    "when it is over", job->account->address);
	return ctl_fail("%s: the mailbox can not be used: %s",
	    job->account->address, log_last_warning());
}

static int
open_and_run(struct job *job)
{
	static struct mailbox mb; /* large */
	const struct account *a = job->account;
	struct view view = { .maildir = a->maildir, .junk = job->conf->junk,
		.spam = a->policy.spam, .auto_delete = a->policy.auto_delete,
		.from_now = a->access == ACCESS_FROM_NOW ? a->policy.from_now : 0 };
	enum trouble trouble;
	int status;

	lock_learn_boot();
	trouble = mailbox_open(&mb, &view, LOCK_WAIT_MS, progress, job);
	if (trouble == TROUBLE_NONE)
		trouble = mailbox_settle(&mb);
	if (trouble != TROUBLE_NONE)
		return refused(job, trouble);
	if (mb.rebuilt && !job->checks)
		fprintf(stderr, "pop3ctl: %s: the index was damaged and is "
		    "made anew; what was retained is in the queue again\n",
		    a->address);
	status = job->run(job, &mb);
	mailbox_close(&mb);
	return status;
}

static int
as_owner(struct job *job)
{
	int status;
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == -1)
		return ctl_fail("fork: %s", strerror(errno));
	if (pid == 0) {
		if (geteuid() == 0 && privdrop(job->account->uid,
			job->account->gid, NULL) == -1)
			_exit(ctl_fail("%s: %s", job->account->address,
			    log_last_warning()));
		/* Ours may be gone; Berkeley DB wants one. */
		status = chdir("/") == -1 ?
		    ctl_fail("/: %s", strerror(errno)) : open_and_run(job);
		if (fflush(stdout) != 0)
			status = ctl_fail("standard output: %s",
			    strerror(errno));
		_exit(status);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return ctl_fail("wait: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    ctl_fail("%s: died", job->account->address);
}

/* One account after the other; the worst status of all. */
static int
each_account(struct job *job, struct accounts *accounts)
{
	static struct account account;
	char err[ERR_SIZE];
	int found, status = CTL_GOOD;

	job->account = &account;
	while ((found = accounts_next(
		    accounts, &account, err, sizeof(err))) == 1 &&
	    !interrupted)
		if (as_owner(job) != CTL_GOOD)
			status = CTL_FAILED;
	return found == -1 ? ctl_fail("%s", err) : status;
}

static int
named_accounts(struct job *job, int n, char *address[])
{
	static struct account account;
	int i, status = CTL_GOOD;

	job->account = &account;
	for (i = 0; i < n && !interrupted; i++)
		if (ctl_account(job->conf, address[i], &account) != CTL_GOOD ||
		    as_owner(job) != CTL_GOOD)
			status = CTL_FAILED;
	return status;
}

/* ADDRESS ... | -a */
static int
many(struct job *job, int argc, char *argv[])
{
	static const struct option none[] = { { NULL, 0, NULL, 0 } };
	struct accounts *accounts;
	char err[ERR_SIZE];
	int c, status;

	while ((c = getopt_long(argc, argv, "a", none, NULL)) != -1) {
		if (c != 'a')
			return CTL_USAGE;
		job->all = 1;
	}
	if (job->all == (optind < argc))
		return CTL_USAGE;
	signal(SIGINT, interrupt);
	if (!job->all)
		return named_accounts(job, argc - optind, argv + optind);
	if (accounts_open(
		&accounts, job->conf->accounts, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	status = each_account(job, accounts);
	accounts_close(accounts);
	return status;
}

static const char *const folder_words[] = { "inbox", "junk" };
static const char *const state_words[] = { "queued", "retained", "earlier",
	"expunging" };

static void
print_entry(struct job *job, const struct entry *e, uint64_t number)
{
	char uidl[UIDL_MAX + 1];

	(void)mailbox_uidl(e, uidl);
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
trouble_status(const struct job *job, struct mailbox *mb, const char *what,
    int error)
{
	return refused(job, mailbox_trouble(mb, what, error));
}

static int
print_kept(struct job *job, struct mailbox *mb, enum folder folder)
{
	struct walk *walk;
	struct entry e;
	int error;

	if ((error = mailbox_readable(mb)) != 0 ||
	    (error = index_walk_names(mb->index, folder, &walk)) != 0)
		return error;
	while ((error = index_walk_next(walk, &e)) == 0)
		if (e.state == RETAINED || e.state == EARLIER)
			print_entry(job, &e, 0);
	index_walk_end(walk);
	return error == DB_NOTFOUND ? 0 : error;
}

static int
run_queue(struct job *job, struct mailbox *mb)
{
	uint64_t n, count = mailbox_count(mb);
	struct entry e;
	enum trouble trouble;
	int error, i;

	for (n = 1; n <= count; n++) {
		trouble = mailbox_entry(mb, n, &e);
		if (trouble != TROUBLE_NONE)
			return refused(job, trouble);
		e.state = QUEUED;
		print_entry(job, &e, n);
	}
	for (i = 0; job->all && i < mb->folders; i++) {
		error = print_kept(job, mb, mb->order[i]);
		if (error != 0)
			return trouble_status(job, mb, "index", error);
	}
	if (job->json)
		puts(job->printed > 0 ? "]" : "[]");
	return CTL_GOOD;
}

int
ctl_queue(const struct conf *conf, int argc, char *argv[])
{
	static const struct option none[] = { { NULL, 0, NULL, 0 } };
	struct job job = { .conf = conf, .run = run_queue };
	int c;

	while ((c = getopt_long(argc, argv, "aj", none, NULL)) != -1)
		if (c == 'a')
			job.all = 1;
		else if (c == 'j')
			job.json = 1;
		else
			return CTL_USAGE;
	if (optind + 1 != argc)
		return CTL_USAGE;
	return named_accounts(&job, 1, argv + optind);
}

static int
run_requeue(struct job *job, struct mailbox *mb)
{
	uint64_t requeued = 0, all = 0;
	int error = 0, status = CTL_GOOD;
	char **uidl;

	if (job->all)
		error = update_requeue(mb, NULL, &all);
	for (uidl = job->uidl; error == 0 && uidl != NULL && *uidl != NULL;
	     uidl++) {
		error = update_requeue(mb, *uidl, &requeued);
		if (error == 0 && requeued == 0)
			status = ctl_fail("%s has kept no message %s; `pop3ctl "
			    "queue -a %s' shows them", job->account->address,
			    *uidl, job->account->address);
		all += requeued;
	}
	if (error != 0)
		return trouble_status(job, mb, "requeue", error);
	printf("%s: %llu in the queue again\n", job->account->address,
	    (unsigned long long)all);
	return status;
}

int
ctl_requeue(const struct conf *conf, int argc, char *argv[])
{
	static const struct option none[] = { { NULL, 0, NULL, 0 } };
	struct job job = { .conf = conf, .run = run_requeue };
	int c;

	while ((c = getopt_long(argc, argv, "a", none, NULL)) != -1) {
		if (c != 'a')
			return CTL_USAGE;
		job.all = 1;
	}
	if (optind == argc || job.all == (optind + 1 < argc))
		return CTL_USAGE;
	job.uidl = job.all ? NULL : argv + optind + 1;
	return named_accounts(&job, 1, argv + optind);
}

/* To open it is all there is to do. */
static int
run_index(struct job *job, struct mailbox *mb)
{
	if (isatty(STDERR_FILENO))
		fputs("\r", stderr);
	printf("%s: %llu messages, %llu octets\n", job->account->address,
	    (unsigned long long)mailbox_count(mb),
	    (unsigned long long)mailbox_octets(mb));
	return CTL_GOOD;
}

int
ctl_index(const struct conf *conf, int argc, char *argv[])
{
	struct job job = { .conf = conf, .run = run_index };

	return many(&job, argc, argv);
}

static void
say(void *arg, const char *sentence)
{
	const struct job *job = arg;

	printf("%s: mended: %s\n", job->account->address, sentence);
}

static int
run_check(struct job *job, struct mailbox *mb)
{
	uint64_t mended = 0;
	enum trouble trouble;

	trouble = mailbox_check(mb, say, job, &mended);
	if (isatty(STDERR_FILENO))
		fputs("\r", stderr);
	if (trouble != TROUBLE_NONE)
		return refused(job, trouble);
	printf("%s: %llu messages, %llu octets, %llu mended\n",
	    job->account->address, (unsigned long long)mailbox_count(mb),
	    (unsigned long long)mailbox_octets(mb),
	    (unsigned long long)mended);
	return CTL_GOOD;
}

int
ctl_check(const struct conf *conf, int argc, char *argv[])
{
	struct job job = { .conf = conf, .run = run_check, .checks = 1 };

	return many(&job, argc, argv);
}
