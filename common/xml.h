/*
 * Text within XML, on standard output.
 */
#ifndef COMMON_XML_H
#define COMMON_XML_H

/* An address may have an ampersand or an apostrophe in it. */
void xml_text(const char *s);

#endif
