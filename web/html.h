/*
 * What is written to the browser, by two functions that cannot be confused:
 * MARKUP() takes nothing but a string literal, and all else is text, in which
 * nothing is markup whoever wrote it.
 *
 * On standard output.
 */
#ifndef WEB_HTML_H
#define WEB_HTML_H

/* Our own HTML, as it stands: a string that is written in the source. */
#define MARKUP(literal) html_markup("" literal "", sizeof(literal) - 1)

void html_markup(const char *literal, unsigned long len);

/*
 * Text: within an element, or within the quotes of an attribute.  What is no
 * character that can be shown becomes U+FFFD.
 */
void html_text(const char *s);

/* The same, as printf(3) makes it: a thousand octets, the rest is cut. */
void html_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A whole element that has a text and nothing else, like <p>. */
#define ELEMENT(name, ...)              \
	do {                            \
		MARKUP("<" name ">");   \
		html_say(__VA_ARGS__);  \
		MARKUP("</" name ">\n"); \
	} while (0)

#endif
