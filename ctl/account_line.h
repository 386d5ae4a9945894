/*
 * Lines as ctl/export.c writes them, and as people do.
 *
 * They are cut into pieces.  Functions return 0, or -1 with a sentence in err.
 */
#ifndef CTL_ACCOUNT_LINE_H
#define CTL_ACCOUNT_LINE_H

#include <stddef.h>

#include "auth/account.h"
#include "common/conf.h"

/* ADDRESS KEY=VALUE ...: fills account, with defaults for what is not said. */
int account_line(struct account *account, const struct conf *conf, char *text,
    char *err, size_t errsize);

/* Does such a line, before that, say where the mail is? */
int account_line_places(const char *text);

/* Is it ADDRESS alias-of=ADDRESS, and then: fills account, an alias. */
int account_line_is_alias(const char *text);
int account_line_alias(
    struct account *account, char *text, char *err, size_t errsize);

#endif
