/*
 * What forms are made of: every field has a label, and what is wrong with it
 * is said to belong to it.  On standard output.
 */
#ifndef WEB_FIELDS_H
#define WEB_FIELDS_H

#include "web/visit.h"

/* A line to be typed.  The strings are literals, but for value. */
struct field {
	const char *name; /* its id as well */
	const char *label;
	const char *hint; /* below it; NULL: none */
	const char *type; /* "text", "password", "date" */
	const char *complete; /* autocomplete; NULL: off */
	const char *value;    /* what is there already; NULL: nothing */
	int max;	      /* characters; 0: the browser may decide */
	int optional;
};

/* From here on it is a form, which is posted to that page. */
void fields_begin(const struct visit *v, const char *page);

/* To its button, which says what it does. */
void fields_end(const char *button);

void fields_line(const struct visit *v, const struct field *f);

/* One of several: name and value are literals. */
struct choice {
	const char *value, *label, *hint;
};
void fields_choice(const char *name, const struct choice *c, int chosen);

/* Yes or no; value is "1" if it is. */
void fields_check(
    const char *name, const char *label, const char *hint, int checked);

/* Goes along unseen: name is a literal. */
void fields_hidden(const char *name, const char *value);

/* What begins and ends a group of choices. */
void fields_group(const char *legend);
void fields_group_end(void);

/*
 * The field for the present password, if it is asked for.  Returns 0; or -1
 * where there is nothing by which the user could prove who he is, and that
 * was said: there should be no form.
 */
int fields_may_prove(const struct visit *v);
void fields_prove(const struct visit *v);

#endif
