#include <sys/wait.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/owner.h"
#include "ctl/pipe.h"
#include "ctl/revoke.h"
#include "ctl/sessions.h"
#include "store/journal.h"

/* Longer than a login waits for the lock, which was judged before. */
#define HOLD_MS	 2100
#define HURRY_MS 1 /* and where many wait for their turn */

#define AT_ONCE 256 /* mailboxes */

/* What is said of one account; of none: now it is so. */
struct note {
	int made;
	struct target target;
	struct concerned concerned;
};

/* All that was said, in the process that is told. */
struct notes {
	struct note *note;
	size_t n, room;
};

/* 1 when the change was made, and 0 when it was not. */
static int
read_notes(int fd, struct notes *notes)
{
	struct note note;

	while (pipe_read(fd, &note, sizeof(note))) {
		if (note.made)
			return 1;
		if (notes->n == notes->room) {
			notes->room = notes->room * 2 + 16;
			notes->note = reallocarray(notes->note, notes->room,
			    sizeof(notes->note[0]));
			if (notes->note == NULL)
				abort();
		}
		notes->note[notes->n++] = note;
	}
	return 0;
}

static int
by_mailbox(const void *a, const void *b)
{
	const struct note *x = a, *y = b;

	if (x->target.uid != y->target.uid)
		return x->target.uid < y->target.uid ? -1 : 1;
	return strcmp(x->target.maildir, y->target.maildir);
}

/* More labels than one account can have: then whoever is there has to go. */
static void
add_concerned(struct concerned *to, const struct concerned *more)
{
	to->all |= more->all || to->n + more->n > APP_PASSWORDS_MAX;
	to->password |= more->password;
	if (to->all)
		return;
	memcpy(to->label + to->n, more->label,
	    more->n * sizeof(more->label[0]));
	to->n += more->n;
}

/*
 * Accounts may share a mailbox.  It is hunted in by one process, or each
 * would take the other's for a session that has the lock.
 */
static void
join_mailboxes(struct notes *notes)
{
	struct note *last = notes->note, *note;

	if (notes->n == 0)
		return;
	qsort(notes->note, notes->n, sizeof(notes->note[0]), by_mailbox);
	for (note = notes->note + 1; note < notes->note + notes->n; note++)
		if (by_mailbox(last, note) == 0)
			add_concerned(&last->concerned, &note->concerned);
		else
			*++last = *note;
	notes->n = (size_t)(last - notes->note) + 1;
}

/*
 * The mailbox's journal is told which application passwords are no more: a
 * new one may have the same label.  Where it cannot be, nothing else fails.
 */
static void
tell_journal(const struct hunt *h)
{
	char dir[PATH_MAX];
	char buf[JOURNAL_LINE_MAX + 1];
	struct journal_text t;
	size_t i;

	if ((size_t)snprintf(dir, sizeof(dir), "%s/pop3d",
		h->target.maildir) >= sizeof(dir))
		return;
	for (i = 0; i < h->concerned.n; i++) {
		journal_text_init(&t, buf, sizeof(buf));
		journal_begin_now(&t, "revoked", "");
		journal_field(&t, "label", h->concerned.label[i]);
		journal_end(&t);
		(void)journal_append(dir, buf, t.used, 0);
	}
}

/* In the owner's process. */
static int
hunt_and_tell(void *arg)
{
	const struct hunt *h = arg;

	if (h->hold_ms == HOLD_MS)
		tell_journal(h);
	return session_hunt(arg);
}

/* Some of them side by side, since holding one takes two seconds. */
static int
end_sessions(const struct conf *conf, const struct note *note, size_t n,
    int hold_ms)
{
	static struct owner owner[AT_ONCE];
	static struct hunt hunt[AT_ONCE];
	int status = CTL_GOOD;
	size_t i;

	for (i = 0; i < n; i++) {
		hunt[i].conf = conf;
		hunt[i].target = note[i].target;
		hunt[i].concerned = note[i].concerned;
		hunt[i].hold_ms = hold_ms;
		owner[i].name = hunt[i].target.address;
		owner[i].uid = hunt[i].target.uid;
		owner[i].gid = hunt[i].target.gid;
		owner[i].in = owner[i].out = -1;
		owner[i].run = hunt_and_tell;
		owner[i].arg = &hunt[i];
		if (owner_start(&owner[i]) != CTL_GOOD) {
			status = CTL_FAILED;
			break;
		}
	}
	while (i-- > 0)
		if (owner_wait(&owner[i]) != CTL_GOOD)
			status = CTL_FAILED;
	return status;
}

static int
end_all(const struct conf *conf, const struct notes *notes, int hold_ms)
{
	int status = CTL_GOOD;
	size_t i, n;

	for (i = 0; i < notes->n; i += n) {
		n = notes->n - i < AT_ONCE ? notes->n - i : AT_ONCE;
		if (end_sessions(conf, notes->note + i, n, hold_ms) !=
		    CTL_GOOD)
			status = CTL_FAILED;
	}
	return status;
}

int
revocation_serve(const struct conf *conf, int fd)
{
	struct notes notes = { NULL, 0, 0 };
	int status = CTL_GOOD;

	if (!read_notes(fd, &notes))
		return CTL_GOOD;
	join_mailboxes(&notes);
	/* Nobody's session goes on while another's mailbox is held. */
	if (notes.n > AT_ONCE)
		status = end_all(conf, &notes, HURRY_MS);
	if (end_all(conf, &notes, HOLD_MS) != CTL_GOOD)
		status = CTL_FAILED;
	free(notes.note);
	return status;
}

int
revocation_open(struct revocation *r, const struct conf *conf)
{
	int fd[2];

	fflush(stdout);
	if (pipe(fd) == -1 || (r->pid = fork()) == -1)
		return ctl_fail("fork: %s", strerror(errno));
	if (r->pid == 0) {
		close(fd[1]);
		ctl_interrupts(SIG_BLOCK);
		_exit(revocation_serve(conf, fd[0]));
	}
	close(fd[0]);
	r->fd = fd[1];
	return CTL_GOOD;
}

/* Does the account, if there is one, still have this application password? */
static int
has_still(const struct account *a, const struct app_password *app)
{
	size_t i;

	for (i = 0; a != NULL && i < a->napp; i++)
		if (strcmp(a->app[i].label, app->label) == 0 &&
		    memcmp(a->app[i].digest, app->digest,
			sizeof(app->digest)) == 0)
			return 1;
	return 0;
}

/* In a mailbox that is another's by now nobody would find a session. */
static int
all_have_to_go(const struct account *before, const struct account *after)
{
	return after == NULL ||
	    (after->access == ACCESS_OFF && before->access != ACCESS_OFF) ||
	    strcmp(after->maildir, before->maildir) != 0 ||
	    after->uid != before->uid || after->gid != before->gid;
}

static int
compare(struct concerned *c, const struct account *before,
    const struct account *after)
{
	size_t i;

	memset(c, 0, sizeof(*c));
	c->all = all_have_to_go(before, after);
	c->password = after == NULL || (before->hash[0] != '\0' &&
	    (strcmp(before->hash, after->hash) != 0 ||
		(after->two_factor && !before->two_factor)));
	for (i = 0; i < before->napp; i++)
		if (!has_still(after, &before->app[i]))
			strlcpy(c->label[c->n++], before->app[i].label,
			    sizeof(c->label[0]));
	return c->all || c->password || c->n > 0;
}

void
revocation_note(struct revocation *r, const struct account *before,
    const struct account *after)
{
	struct note note;

	memset(&note, 0, sizeof(note));
	if (before->alias_of[0] != '\0' ||
	    !compare(&note.concerned, before, after))
		return;
	target_of(&note.target, before);
	(void)pipe_write(r->fd, &note, sizeof(note));
}

void
revocation_made(struct revocation *r)
{
	struct note note;

	memset(&note, 0, sizeof(note));
	note.made = 1;
	(void)pipe_write(r->fd, &note, sizeof(note));
}

int
revocation_close(struct revocation *r, int status)
{
	int ended;

	if (status == CTL_GOOD)
		revocation_made(r);
	close(r->fd);
	ctl_interrupts(SIG_UNBLOCK);
	while (waitpid(r->pid, &ended, 0) == -1)
		if (errno != EINTR)
			return ctl_fail("wait: %s", strerror(errno));
	if (WIFEXITED(ended) && WEXITSTATUS(ended) == CTL_GOOD)
		return status;
	return status != CTL_GOOD ? status : CTL_FAILED;
}
