/*
 * A line of a mailbox's journal: fields KEY=VALUE with a blank between, the
 * first of which are time= (RFC 3339, UTC) and event=.  What could be taken
 * for something else in a value is \ooo (log_safe()).  Pure computation.
 *
 * The journal is its owner's, who may write what he likes: a reader believes
 * nothing but its form.
 */
#ifndef STORE_JOURNAL_LINE_H
#define STORE_JOURNAL_LINE_H

#include <stddef.h>
#include <stdint.h>

#define JOURNAL_LINE_MAX   2048 /* octets of a line, its newline not counted */
#define JOURNAL_FIELDS_MAX 16

/* Lines that are being made, in a buffer of the caller's. */
struct journal_text {
	char *buf;
	size_t size, used;
	size_t line; /* where the last one begins */
	int cut;     /* it does not fit */
};

void journal_text_init(struct journal_text *t, char *buf, size_t size);

/* A line that does not fit is left out as a whole. */
void journal_begin(struct journal_text *t, const char *time, const char *event);
void journal_field(struct journal_text *t, const char *key, const char *value);
void journal_number(struct journal_text *t, const char *key, uint64_t n);
void journal_end(struct journal_text *t);

/* A line, read: values are as they were before they were made safe. */
struct journal_line {
	size_t n;
	const char *key[JOURNAL_FIELDS_MAX], *value[JOURNAL_FIELDS_MAX];
	char text[JOURNAL_LINE_MAX + 1];  /* as it stands */
	char words[JOURNAL_LINE_MAX + 1]; /* what key and value point into */
};

/*
 * Takes len octets apart: 1, or 0 where they are no line of a journal.  Keys
 * are lower-case letters and hyphens; a value has no NUL.
 */
int journal_parse(struct journal_line *line, const char *text, size_t len);

/* The value of the first field of that name; "" where there is none. */
const char *journal_value(const struct journal_line *line, const char *key);

#endif
