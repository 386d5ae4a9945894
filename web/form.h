/*
 * Forms: application/x-www-form-urlencoded, as browsers send it (and as the
 * query of a URL has it).  Pure computation, in bounded memory.
 *
 * Our pages send nothing that is refused here: no field twice, no octet that
 * is not printable UTF-8 (a tab may be in a password), no bad percent sign.
 */
#ifndef WEB_FORM_H
#define WEB_FORM_H

#include <stddef.h>

#define FORM_MAX	8192 /* octets, as they are sent */
#define FORM_FIELDS_MAX 48

struct form {
	size_t n;
	const char *name[FORM_FIELDS_MAX];
	const char *value[FORM_FIELDS_MAX];
	char text[FORM_MAX + 1]; /* what these point into */
};

/*
 * Takes the first len octets of text (at most FORM_MAX) apart, in place.
 * Returns NULL; or what is wrong, a word for the log, and the form is empty.
 */
const char *form_parse(struct form *f, size_t len);

/* The value of a field; "" where there is none. */
const char *form_value(const struct form *f, const char *name);

/* Passwords may be in it. */
void form_wipe(struct form *f);

#endif
