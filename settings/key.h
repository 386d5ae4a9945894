/*
 * The key that cookies are sealed under: a file, root's and mode 0600, that
 * auth reads before it gives root up, and makes where it is missing.
 */
#ifndef SETTINGS_KEY_H
#define SETTINGS_KEY_H

#include <stddef.h>

#include "settings/cookie.h"

/* Returns 0, or -1 with a sentence in err. */
int key_load(const char *path, unsigned char key[COOKIE_KEY], char *err,
    size_t errsize);

#endif
