/*
 * Text within XML, on standard output.
 */
#ifndef CTL_XML_H
#define CTL_XML_H

/* An address may have an ampersand or an apostrophe in it. */
void xml_text(const char *s);

#endif
