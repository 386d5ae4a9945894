/*
 * The journal, as its owner may have forged it: whatever stands in it is read
 * within bounds; what is appended is read back as it was meant; what was
 * known is known after the journal was turned over.
 */
#include "tests/fuzz/scratch.h"

#include <errno.h>

#include "store/journal.h"

#define NEWER "pop3d journal 2\n"

static struct journal_line last;
static size_t lines;

static void
put(const char *name, const void *octets, size_t len)
{
	int fd;

	fd = open(scratch_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	MUST(fd != -1);
	MUST(write(fd, octets, len) == (ssize_t)len);
	close(fd);
}

/* Each line can be printed, and be taken apart again. */
static void
look(void *arg, const struct journal_line *line)
{
	static struct journal_line again;
	const char *p;
	size_t i;

	(void)arg;
	lines++;
	MUST(strlen(line->text) <= JOURNAL_LINE_MAX);
	for (p = line->text; *p != '\0'; p++)
		MUST(*p >= 0x20 && *p < 0x7f);
	MUST(journal_parse(&again, line->text, strlen(line->text)));
	MUST(line->n >= 2 && again.n == line->n);
	for (i = 0; i < line->n; i++) {
		MUST(strcmp(again.key[i], line->key[i]) == 0);
		MUST(strcmp(again.value[i], line->value[i]) == 0);
	}
	memcpy(last.text, line->text, sizeof(last.text));
}

/* What is known says itself again. */
static void
say_again(const struct known *known)
{
	static struct known again;
	static struct journal_line line;
	static char buf[2 * JOURNAL_TURN];
	struct journal_text t;
	char *p, *end;
	size_t i;

	journal_text_init(&t, buf, sizeof(buf));
	known_write(known, &t);
	memset(&again, 0, sizeof(again));
	for (p = buf; p < buf + t.used; p = end + 1) {
		MUST((end = memchr(p, '\n', t.used - (size_t)(p - buf))) !=
		    NULL);
		MUST(journal_parse(&line, p, (size_t)(end - p)));
		known_note(&again, &line);
	}
	MUST(again.nlabel == known->nlabel);
	MUST(again.nnetwork == known->nnetwork);
	for (i = 0; i < known->nlabel; i++) {
		MUST(strcmp(again.label[i].label, known->label[i].label) == 0);
		MUST(strcmp(again.label[i].time, known->label[i].time) == 0);
		MUST(strcmp(again.label[i].peer, known->label[i].peer) == 0);
		MUST(again.label[i].revoked == known->label[i].revoked);
	}
}

/* A line of ours is the last one then, or there is a reason. */
static void
try_append(const char *label, int locked)
{
	static struct journal_line line;
	char buf[JOURNAL_LINE_MAX + 1];
	struct journal_text t;
	struct stat st;
	int error;

	journal_text_init(&t, buf, sizeof(buf));
	journal_begin(&t, "2026-01-01T00:00:00Z", "login");
	journal_field(&t, "label", label);
	journal_end(&t);
	error = journal_append(scratch, buf, t.used, locked);
	MUST(error == 0 || error == INDEX_NEWER ||
	    (error == ESTALE && !locked));
	if (error != 0)
		return;
	last.text[0] = '\0';
	(void)journal_read(scratch, look, NULL);
	MUST(journal_parse(&line, last.text, strlen(last.text)));
	MUST(strcmp(journal_value(&line, "label"), label) == 0);
	MUST(stat(scratch_path(JOURNAL_NEW), &st) == -1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct known known;
	struct input in = { data, size };
	unsigned int how = take8(&in);
	uint8_t *label, *old;
	size_t len;
	int error;

	if (scratch[0] == '\0')
		scratch_make();
	scratch_clear();
	label = take(&in, take8(&in), &len);
	old = take(&in, how & 1 ? take64(&in) % 65536 : 0, &len);
	if (how & 1)
		put(JOURNAL_OLD, old, len);
	put(JOURNAL_FILE, in.at, in.left);
	/* Long enough to be turned over. */
	if (how & 2)
		MUST(truncate(scratch_path(JOURNAL_FILE),
			 JOURNAL_TURN + 4096) == 0);
	lines = 0;
	error = journal_read(scratch, look, NULL);
	MUST(error == 0 || error == INDEX_NEWER);
	MUST(lines <= 2 * JOURNAL_READ / 10);
	if (journal_known(scratch, &known) == 0)
		say_again(&known);
	if (in.left >= strlen(NEWER) &&
	    memcmp(in.at, NEWER, strlen(NEWER)) == 0)
		MUST(error == INDEX_NEWER);
	try_append((const char *)label, how & 4);
	free(label);
	free(old);
	return 0;
}
