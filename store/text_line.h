/*
 * Lines of text files, which may have anything in them.
 */
#ifndef STORE_TEXT_LINE_H
#define STORE_TEXT_LINE_H

#include <stddef.h>
#include <stdio.h>

enum text_line {
	TEXT_GOOD, /* in text, without its newline */
	TEXT_CUT,  /* the last, which has none: cut off, perhaps */
	TEXT_BAD,  /* too long, or with a NUL: it is passed over */
	TEXT_END   /* there are no more, or ferror(3) says why */
};

enum text_line text_line(FILE *f, char *text, size_t size);

/*
 * Opens a regular file to be read, no link and nothing that one would wait
 * for: 0 or an errno value, EINVAL where it is something else, EFBIG where
 * no mailbox has so many lines: a hole of a terabyte would be read for hours.
 */
#define TEXT_MAX 1073741824
int text_open(int dir, const char *name, FILE **f);

#endif
