/*
 * What somebody has done on the page, as the log and the mailbox's journal
 * tell it: what it was, and its value.  Pure computation.
 */
#ifndef SETTINGS_DEED_H
#define SETTINGS_DEED_H

#include <stddef.h>
#include <stdint.h>

#include "common/policy.h"

#define DEED_PARTS 5 /* at once: all settings that there are */
#define DEED_WHAT  16
#define DEED_TEXT  (DEED_PARTS * (DEED_WHAT + LABEL_MAX * 4 + 2))

/* All zeroes at first: nothing that is told. */
struct deed {
	uint32_t n;
	struct {
		char what[DEED_WHAT];	   /* letters and hyphens */
		char value[LABEL_MAX + 1]; /* "": there is none */
	} part[DEED_PARTS];
};

void deed_add(struct deed *d, const char *what, const char *value);

/* Ends the strings of one that came from elsewhere. */
void deed_settle(struct deed *d);

/* WHAT=VALUE, or WHAT, with a blank between; nothing in it is believed. */
void deed_text(const struct deed *d, char text[DEED_TEXT]);

#endif
