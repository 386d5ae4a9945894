#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "store/boot.h"
#include "store/journal.h"
#include "store/notice.h"
#include "store/report.h"

#define LINE_OCTETS 900 /* of the log, for messages; old syslogds cut at 1024 */
#define TAIL_OCTETS 100 /* of them, for what log.c puts behind */
#define TAKEN_MAX   100 /* lines in the journal for messages of a session */
#define TEXT_OCTETS (TAKEN_MAX * 400)

/* By which application password, if it was by one: the end of a line. */
static const char *
label_field(const struct report *r)
{
	static char field[LOG_SAFE_MAX];
	char label[LOG_SAFE_MAX / 2];

	if (r->verdict->label[0] == '\0')
		return "";
	snprintf(field, sizeof(field), " app-password=%s",
	    log_safe(label, sizeof(label), r->verdict->label));
	return field;
}

int
report_lines(struct mailbox *mb, const struct journal_text *t, int locked)
{
	const struct ledger *l = mailbox_ledger(mb);
	int error = journal_append(l->dir, t->buf, t->used, locked);

	/* There is no pop3d/, for the reason that was told already. */
	if (error == ENOENT && l->mode == INDEX_MEMORY)
		error = l->why;
	if (error == INDEX_NEWER)
		log_warn("%s: the journal is not written: a newer pop3d has "
		    "begun it; install that version again", l->path);
	else
		(void)ledger_complain(l, "the journal is not written", error);
	return error;
}

static void
write_journal(struct report *r, const struct journal_text *t, int locked)
{
	if (!r->silent)
		r->silent = report_lines(r->mailbox, t, locked) != 0;
}

static void
journal_login(struct report *r)
{
	const struct msg_verdict *v = r->verdict;
	char buf[JOURNAL_LINE_MAX + 1];
	struct journal_text t;

	journal_text_init(&t, buf, sizeof(buf));
	journal_begin_now(&t, "login", r->verdict->id);
	journal_field(&t, "user", v->address);
	journal_field(&t, "peer", r->peer);
	journal_field(&t, "via", v->via);
	journal_field(&t, "label", v->label);
	journal_field(&t, "service", "pop");
	journal_number(&t, "pid", (uint64_t)getpid());
	journal_field(&t, "host", boot_host());
	journal_field(&t, "boot", boot_id());
	journal_end(&t);
	write_journal(r, &t, 1);
}

/*
 * Tells the user, or (error) that it cannot be known what is new.  Not before
 * the journal has the login, and not where that cannot be written, since then
 * each one would be new.
 */
static void
tell_news(const struct report *r, int news, int error)
{
	const struct ledger *l = mailbox_ledger(r->mailbox);

	if (r->silent || (news == 0 && error == 0))
		return;
	if (error == 0)
		error = notice_deliver(r->verdict, news, r->notices, l->path,
		    &l->maildir[INBOX]);
	if (ledger_complain(l, "the user is not told of new logins", error) ==
	    0)
		log_info("notified: user=%s peer=%s new=%s%s%s%s",
		    r->verdict->address, r->peer,
		    (news & NEWS_NETWORK) != 0 ? "network" : "",
		    news == (NEWS_NETWORK | NEWS_LABEL) ? "," : "",
		    (news & NEWS_LABEL) != 0 ? "app-password" : "",
		    label_field(r));
}

void
report_login(struct report *r, char *tls)
{
	char safe[LOG_SAFE_MAX], *blank;
	int news = 0, error = 0;

	if ((blank = strchr(tls, ' ')) != NULL)
		*blank = '/';
	log_safe(safe, sizeof(safe), tls);
	log_info("login: user=%s peer=%s tls=%s mechanism=%s%s",
	    r->verdict->address, r->peer, safe, r->verdict->mechanism,
	    label_field(r));
	if (r->notices != NULL)
		error = notice_look(
		    mailbox_ledger(r->mailbox)->dir, r->verdict, &news);
	journal_login(r);
	tell_news(r, news, error);
}

static const char *
taken_word(const struct report *r)
{
	return r->verdict->policy.auto_delete ? "deleted" : "retained";
}

/* As many messages a line as fit. */
static void
log_taken(const struct report *r, const struct taken *taken)
{
	char line[LINE_OCTETS], uidl[4 * UIDL_MAX + 1], one[sizeof(uidl) + 24];
	const char *next;
	uint64_t octets;
	size_t at = 0;

	line[0] = '\0';
	while ((next = taken_next(taken, &at, &octets)) != NULL) {
		snprintf(one, sizeof(one), " %s:%llu",
		    log_safe(uidl, sizeof(uidl), next),
		    (unsigned long long)octets);
		if (line[0] != '\0' &&
		    strlen(line) + strlen(one) >= sizeof(line) - TAIL_OCTETS) {
			log_info("%s", line);
			line[0] = '\0';
		}
		if (line[0] == '\0')
			snprintf(line, sizeof(line), "%s: user=%s peer=%s",
			    taken_word(r), r->verdict->address, r->peer);
		strlcat(line, one, sizeof(line));
	}
	if (line[0] != '\0')
		log_info("%s", line);
}

/* A line for each of the first messages, and one with how many there were. */
static void
journal_taken(struct report *r, const struct taken *taken)
{
	static char buf[TEXT_OCTETS]; /* large */
	struct journal_text t;
	const char *uidl;
	uint64_t octets, n;
	size_t at = 0;

	journal_text_init(&t, buf, sizeof(buf));
	for (n = 0; n < TAKEN_MAX &&
	     (uidl = taken_next(taken, &at, &octets)) != NULL; n++) {
		journal_begin_now(&t, taken_word(r), r->verdict->id);
		journal_field(&t, "uidl", uidl);
		journal_number(&t, "octets", octets);
		journal_end(&t);
	}
	if (n < taken->n) {
		journal_begin_now(&t, taken_word(r), r->verdict->id);
		journal_number(&t, "more", taken->n - n);
		journal_end(&t);
	}
	write_journal(r, &t, 0);
}

void
report_taken(struct report *r, const struct taken *taken)
{
	if (taken->n == 0)
		return;
	log_taken(r, taken);
	journal_taken(r, taken);
}

static void
journal_the_end(struct report *r, const struct msg_end *end, uint64_t deleted)
{
	char buf[JOURNAL_LINE_MAX + 1];
	struct journal_text t;

	journal_text_init(&t, buf, sizeof(buf));
	journal_begin_now(&t, "end", r->verdict->id);
	journal_field(&t, "reason", end->reason);
	journal_number(&t, "retrieved", end->retrieved);
	journal_number(&t, "octets", end->octets);
	journal_number(&t, "deleted", deleted);
	journal_end(&t);
	write_journal(r, &t, 0);
}

void
report_end(struct report *r, const struct msg_end *end, uint64_t deleted,
    uint64_t left)
{
	char safe[LOG_SAFE_MAX];

	log_info("end: user=%s peer=%s reason=%s retrieved=%llu octets=%llu "
	    "deleted=%llu left=%llu%s", r->verdict->address, r->peer,
	    log_safe(safe, sizeof(safe), end->reason),
	    (unsigned long long)end->retrieved,
	    (unsigned long long)end->octets, (unsigned long long)deleted,
	    (unsigned long long)left, label_field(r));
	journal_the_end(r, end, deleted);
}
