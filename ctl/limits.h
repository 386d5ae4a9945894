/*
 * What narrows an application password, as words: expires=TIME, from=NETWORK
 * (once for each), read-only, for=pop or for=send.  One that is good for
 * everything has none.
 */
#ifndef CTL_LIMITS_H
#define CTL_LIMITS_H

#include <stddef.h>

#include "auth/account.h"

/*
 * Sets a limit, as a word or as an option of app-password add (-e, -n, -r,
 * -u).  A time is YYYY-MM-DD, to its end in UTC, +Nd from now, or as the word
 * is printed.  Returns 0, or -1 with a sentence in err.
 */
int limit_word(struct app_password *app, const char *word, char *err,
    size_t errsize);
int limit_option(struct app_password *app, int letter, const char *value,
    char *err, size_t errsize);

/* The words on standard output, separator before each of them. */
void limits_print(const char *separator, const struct app_password *app);

/* All of them as members of an object of JSON, a comma before each. */
void limits_json(const struct app_password *app);

#endif
