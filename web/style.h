/*
 * The style sheet: one for all pages, light and dark, narrow and wide.
 */
#ifndef WEB_STYLE_H
#define WEB_STYLE_H

/* Its name, which changes whenever it does: browsers keep it for a day. */
#define STYLE_PATH "/style-1.css"

/* Writes it to standard output. */
void style_write(void);

#endif
