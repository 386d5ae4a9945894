/*
 * The aliases: other names of accounts.
 */
#ifndef CTL_ALIASES_H
#define CTL_ALIASES_H

#include <stddef.h>

#include "auth/accounts.h"
#include "common/conf.h"

struct alias {
	char name[ADDRESS_MAX + 1];
	char account[ADDRESS_MAX + 1]; /* whose it is; there may be none */
};

/* In the order of their accounts, and for each of their names. */
struct aliases {
	struct alias *list;
	size_t n, room;
};

/*
 * Reads them all.  aliases_load() opens the accounts for that, and returns
 * CTL_GOOD or CTL_FAILED, told; aliases_read() returns 0, or -1 with a
 * sentence in err.  Records that cannot be read are passed over.
 */
int aliases_load(struct aliases *aliases, const struct conf *conf);
int aliases_read(struct aliases *aliases, struct accounts *accounts, char *err,
    size_t errsize);

/* Those of one account: the first of n, which follow each other. */
const struct alias *aliases_of(
    const struct aliases *aliases, const char *address, size_t *n);

void aliases_free(struct aliases *aliases);

#endif
