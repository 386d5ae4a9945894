#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/conf.h"
#include "store/deposit.h"
#include "store/journal.h"
#include "store/notice.h"

#define MESSAGE_OCTETS 8192 /* there is room for the longest of all names */
#define DATE_SIZE      64
#define HOST_SIZE      (CONF_HOSTNAME_MAX + 1)
#define SPEC_SIZE      (2 * ADDRESS_MAX + HOST_SIZE + 4)

#define ATOM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" \
	     "!#$%&'*+-/=?^_`{|}~."

struct notice {
	const struct msg_verdict *verdict;
	int news;
	char host[HOST_SIZE];
	char user[SPEC_SIZE];	    /* whose mailbox it is, */
	char postmaster[SPEC_SIZE]; /* and who looks after that */
	char date[DATE_SIZE];
	size_t used;
	char text[MESSAGE_OCTETS];
};

int
notice_look(const char *dir, const struct msg_verdict *verdict, int *news)
{
	static struct known known; /* large */
	int error;

	*news = 0;
	if ((error = journal_known(dir, &known)) != 0)
		return error;
	if (!known_has_network(&known, verdict->peer))
		*news |= NEWS_NETWORK;
	if (verdict->label[0] != '\0' &&
	    !known_has_label(&known, verdict->label))
		*news |= NEWS_LABEL;
	return 0;
}

static void __attribute__((format(printf, 2, 3)))
add(struct notice *n, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(
	    n->text + n->used, sizeof(n->text) - n->used, fmt, ap);
	va_end(ap);
	if (len > 0)
		n->used += (size_t)len;
	if (n->used >= sizeof(n->text))
		n->used = sizeof(n->text) - 1;
}

/* A configured name may have what a domain in a header may not. */
static void
set_host(struct notice *n, const char *host)
{
	char *s;

	strlcpy(n->host, host, sizeof(n->host));
	for (s = n->host; *s != '\0'; s++)
		if (strchr("\"(),:;<>@[]\\", *s) != NULL)
			*s = '-';
}

/* A local user has a name, which need not be an atom: RFC 5322, 3.4.1. */
static void
set_user(struct notice *n, const char *address)
{
	const char *s;
	size_t used = 0;

	if (strchr(address, '@') != NULL) {
		strlcpy(n->user, address, sizeof(n->user));
		return;
	}
	if (address[strspn(address, ATOM)] == '\0') {
		snprintf(n->user, sizeof(n->user), "%s@%s", address, n->host);
		return;
	}
	n->user[used++] = '"';
	for (s = address; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			n->user[used++] = '\\';
		n->user[used++] = *s >= ' ' && *s <= '~' ? *s : '?';
	}
	snprintf(n->user + used, sizeof(n->user) - used, "\"@%s", n->host);
}

static void
set_date(struct notice *n, time_t now)
{
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(n->date, sizeof(n->date), "%a, %d %b %Y %H:%M:%S +0000",
		&tm) == 0)
		strlcpy(n->date, "Thu, 01 Jan 1970 00:00:00 +0000",
		    sizeof(n->date));
}

/* Auto-Submitted (RFC 3834): nobody on holiday answers it. */
static void
write_header(struct notice *n, time_t now)
{
	add(n, "From: \"%s\" <%s>\nTo: <%s>\nSubject: New login to %s\n",
	    n->host, n->postmaster, n->user, n->user);
	add(n, "Date: %s\nMessage-ID: <%lld.%s@%s>\n", n->date,
	    (long long)now, n->verdict->id, n->host);
	add(n, "Auto-Submitted: auto-generated\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n"
	    "Content-Transfer-Encoding: 8bit\n\n");
}

static void
write_facts(struct notice *n)
{
	const struct msg_verdict *v = n->verdict;

	add(n, "Somebody has logged in to your mailbox, by POP3:\n\n"
	    "    mailbox     %s\n    time        %s (UTC)\n"
	    "    address     %s%s\n", n->user, n->date, v->peer,
	    (n->news & NEWS_NETWORK) != 0 ?
	    ", from whose network nobody came before" : "");
	if (v->label[0] == '\0')
		add(n, "    password    the account's own\n");
	else
		add(n, "    password    the application password \"%s\"%s\n",
		    v->label, (n->news & NEWS_LABEL) != 0 ?
		    ",\n                which was not used before" : "");
	add(n, "    server      %s\n    connection  %s\n\n", n->host, v->id);
}

static void
write_advice(struct notice *n)
{
	const char *label = n->verdict->label;

	add(n, "If that was you, with a new device perhaps, or from another "
	    "place, there is\nnothing to do.  You are told of it once.\n\n"
	    "If it was not, somebody else knows this password, and can read "
	    "%s\nyour mail.  Tell the administrator at once,\n\n"
	    "    %s\n\nwith the lines above, and ask for an end to it: "
	    "that ", n->verdict->read_only ? "all" : "and delete",
	    n->postmaster);
	if (label[0] == '\0')
		add(n, "the account gets another\npassword.");
	else
		add(n, "the application\npassword \"%s\" is revoked.",
		    label);
	add(n, "  That ends sessions that are open, too.\n");
}

static int
deliver(struct deposit *d, const struct notice *n, const char *base)
{
	int error;

	if ((error = deposit_write(d, n->text, n->used)) != 0 ||
	    (error = deposit_keep(d, base, NEW, 0)) != 0 ||
	    (error = deposit_sync(d)) != 0)
		return error;
	return deposit_place(d);
}

int
notice_deliver(const struct msg_verdict *verdict, int news, const char *host,
    const char *path, const struct maildir *maildir)
{
	struct notice n = { .verdict = verdict, .news = news };
	const time_t now = (time_t)(clock_ns() / CLOCK_NS);
	const char *at = strrchr(verdict->address, '@');
	char base[NAME_OCTETS];
	struct deposit *d;
	int error;

	set_host(&n, host);
	set_user(&n, verdict->address);
	snprintf(n.postmaster, sizeof(n.postmaster), "postmaster@%s",
	    at != NULL ? at + 1 : n.host);
	set_date(&n, now);
	maildir_unique((int64_t)now, base);
	write_header(&n, now);
	write_facts(&n);
	write_advice(&n);
	if ((d = calloc(1, sizeof(*d))) == NULL)
		return ENOMEM;
	if ((error = deposit_open(d, path, maildir)) == 0)
		error = deliver(d, &n, base);
	deposit_close(d);
	free(d);
	return error;
}
