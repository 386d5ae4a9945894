/*
 * A QR code, as a picture within a page: what an authenticator app scans.
 * Made by libqrencode, drawn by SVG: no file, no script, no other request.
 */
#ifndef WEB_QR_H
#define WEB_QR_H

/*
 * Writes it, with a title for who cannot see it.  Returns 0, or -1 where it
 * cannot be made (no memory, or text is too long): nothing was written.
 */
int qr_write(const char *text, const char *title);

#endif
