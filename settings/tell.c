#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "common/log.h"
#include "common/sandbox.h"
#include "settings/tell.h"
#include "store/dir.h"
#include "store/journal.h"
#include "store/lock.h"
#include "store/report.h"

#define TEXT_SIZE (DEED_PARTS * (JOURNAL_LINE_MAX + 1))

static void
begin(struct journal_text *t, const char *event, const char *address,
    const char *peer)
{
	const char *id = log_tag(NULL);

	(void)log_tag(id);
	journal_begin_now(t, event, id == NULL ? "" : id);
	journal_field(t, "user", address);
	journal_field(t, "peer", peer);
	journal_field(t, "service", "page");
}

/* A line for each thing that was done. */
static void
write_lines(struct journal_text *t, const struct told *told)
{
	const struct deed *d = &told->deed;
	uint32_t i;

	for (i = 0; i < d->n; i++) {
		begin(t, told->signed_in ? "signed-in" : "changed",
		    told->address, told->peer);
		if (told->signed_in)
			journal_field(t, "by", d->part[i].what);
		else {
			journal_field(t, "what", d->part[i].what);
			journal_field(t, "value", d->part[i].value);
		}
		journal_end(t);
	}
}

/*
 * The lock is not waited for: a session that has it has made the journal, and
 * who keeps it open for ever is no reason not to be told of.
 */
static void
append_alone(const char *dir, const struct journal_text *t,
    const char *address)
{
	struct lock lock = { .fd = -1 };
	int error, locked;

	if (mkdir(dir, 0700) == -1 && errno != EEXIST) {
		log_warn("%s: the journal is not written: %s: %s", address,
		    dir, strerror(errno));
		return;
	}
	locked = lock_keep_out(&lock, dir) == 0 && !lock.read_only;
	error = journal_append(dir, t->buf, t->used, locked);
	lock_release(&lock);
	if (error == INDEX_NEWER)
		log_warn("%s: the journal is not written: a newer pop3d has "
		    "begun it; install that version again", address);
	else if (error != 0)
		log_warn("%s: the journal is not written: %s", address,
		    strerror(error));
}

void
tell_told(const struct conf *conf, const struct told *told)
{
	static char buf[TEXT_SIZE]; /* large */
	struct journal_text t;
	struct stat st;
	char dir[PATH_MAX];

	if (stat(told->maildir, &st) == -1 && errno == ENOENT)
		return;
	if (dir_path(dir, told->maildir, "pop3d") != 0) {
		log_warn("%s: the path is too long", told->maildir);
		return;
	}
	if (sandbox_store(told->maildir, -1, conf->sandbox_required) == -1)
		return;
	journal_text_init(&t, buf, sizeof(buf));
	write_lines(&t, told);
	append_alone(dir, &t, told->address);
}

void
tell_requeued(struct mailbox *mb, const struct visit *v, uint64_t n)
{
	char buf[JOURNAL_LINE_MAX + 1];
	struct journal_text t;

	journal_text_init(&t, buf, sizeof(buf));
	begin(&t, "requeued", v->address, v->peer);
	journal_number(&t, "messages", n);
	journal_end(&t);
	(void)report_lines(mb, &t, 1);
}
