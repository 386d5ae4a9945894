/*
 * Unique-ids of elsewhere: the file uidls and the lists of Dovecot and
 * Courier, as a mailbox's owner may have forged them, and a format of ids.
 * What is read is within bounds and fit for POP3; what is written is read
 * back as it was; two names never have the same id.
 */
#include "tests/fuzz/scratch.h"

#include <errno.h>

#include "store/foreign.h"
#include "store/uidl_format.h"
#include "store/uidls.h"

#define FORMAT_MAX 64

static struct uidls taken; /* of a list, in the order in which it has them */
static size_t lines;

static void
put(const char *name, const struct input *in)
{
	int fd;

	fd = open(scratch_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	MUST(fd != -1);
	MUST(write(fd, in->at, in->left) == (ssize_t)in->left);
	close(fd);
}

/* Every line is good, and is found by its name and by its id. */
static void
check(const struct uidls *u)
{
	const struct uidls_line *line;
	size_t i;

	for (i = 0; i < u->n; i++) {
		line = &u->line[i];
		MUST(uidls_fault(line->uidl) == NULL);
		MUST(strlen(line->base) <= NAME_MAX);
		MUST(strpbrk(line->base, "/:\n") == NULL);
		MUST(uidls_find(u, line->folder, line->base) == line->uidl);
		MUST(uidls_owner(u, line->uidl) == line);
	}
}

static void
check_again(const struct uidls *u)
{
	struct uidls again = { .n = 0 };
	size_t i;

	MUST(uidls_write(u, scratch) == 0);
	MUST(uidls_read(&again, scratch, NULL) == 0);
	MUST(again.n == u->n && again.bad == 0);
	for (i = 0; i < u->n; i++) {
		MUST(again.line[i].folder == u->line[i].folder);
		MUST(strcmp(again.line[i].base, u->line[i].base) == 0);
		MUST(strcmp(again.line[i].uidl, u->line[i].uidl) == 0);
	}
	uidls_free(&again);
}

static void
try_file(const struct input *in)
{
	struct uidls u = { .n = 0 };
	int error;

	put("uidls", in);
	error = uidls_read(&u, scratch, NULL);
	MUST(error == 0 || error == UIDLS_NEWER || error == UIDLS_DAMAGED);
	if (error == 0) {
		MUST(u.bad == 0 || u.first > 1);
		check(&u);
		check_again(&u);
	}
	uidls_free(&u);
}

/* As import-uidls judges a line. */
static int
take_line(void *arg, size_t number, const char *base, const char *uidl)
{
	(void)arg;
	MUST(number == ++lines + 1);
	if (base == NULL)
		return 0;
	MUST(strchr(base, ':') == NULL && strchr(base, '\n') == NULL);
	MUST(strlen(uidl) < UIDL_FORMAT_OCTETS);
	if (*base == '\0' || strlen(base) > NAME_MAX ||
	    maildir_base(base) == 0 || strchr(base, '/') != NULL ||
	    uidls_fault(uidl) != NULL)
		return 0;
	return uidls_add(&taken, INBOX, base, uidl);
}

static void
try_list(enum foreign list, const char *format, const struct input *in)
{
	enum foreign newest, other;
	struct maildir m;
	int error;

	put(foreign_name(list), in);
	MUST(maildir_open(&m, scratch) == 0);
	MUST(foreign_look(&m, &newest, &other) == 0);
	MUST(newest == list || other == list);
	lines = 0;
	error = foreign_read(&m, list, format, take_line, NULL);
	MUST(error == 0 || (error == EINVAL && lines == 0));
	maildir_close(&m);
	MUST(uidls_sort(&taken, NULL, NULL) == 0);
	check(&taken);
	check_again(&taken);
	uidls_free(&taken);
}

/* A format makes the same of the same, whatever stood in the buffer. */
static void
try_format(const char *format)
{
	static const struct uidl_values values = { "4294967295", "1764000000",
		"1764000000.M1P2.host", "0123456789abcdef" };
	char uidl[UIDL_FORMAT_OCTETS], again[UIDL_FORMAT_OCTETS];

	memset(uidl, 0x55, sizeof(uidl));
	uidl_format(format, &values, uidl);
	uidl_format(format, &values, again);
	MUST(strnlen(uidl, sizeof(uidl)) < sizeof(uidl));
	MUST(strcmp(uidl, again) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *format = UIDL_FORMAT_DEFAULT;
	struct input in = { data, size };
	uint8_t *text;
	size_t len;

	if (scratch[0] == '\0')
		scratch_make();
	scratch_clear();
	MUST(mkdir(scratch_path("cur"), 0700) == 0);
	text = take(&in, take8(&in) % FORMAT_MAX, &len);
	if (uidl_format_fault((const char *)text) == NULL) {
		format = (const char *)text;
		try_format(format);
	}
	try_file(&in);
	try_list(FOREIGN_DOVECOT, format, &in);
	try_list(FOREIGN_COURIER, format, &in);
	free(text);
	return 0;
}
