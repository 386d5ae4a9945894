/*
 * Whose Maildir it is: for commands that give an account one.  Accounts may
 * share a mailbox, but only where somebody said so.
 */
#ifndef CTL_HOLDERS_H
#define CTL_HOLDERS_H

#include <stddef.h>

#include "auth/accounts.h"

struct holders {
	struct holder **chain; /* by the hash of the Maildir; NULL: none */
	struct accounts *accounts;
};

/*
 * Reads all accounts; those that are being changed, or not.  Returns 0, or -1
 * with err filled.  holders_free() takes one that is all zero.
 */
int holders_read(struct holders *holders, struct accounts *accounts,
    char *err, size_t errsize);
void holders_free(struct holders *holders);

/* The account has been put: its Maildir is its own from now on. */
void holders_note(struct holders *holders, const struct account *account);

/*
 * Another account that has this one's Maildir, as the accounts are by now: 1
 * and its address, or 0.
 */
int holders_find(struct holders *holders, const struct account *account,
    char address[ADDRESS_MAX + 1]);

/* The same for a single account, before it is put or after. */
int holders_ask(struct accounts *accounts, const struct account *account,
    char address[ADDRESS_MAX + 1], char *err, size_t errsize);

/* That the two share it, where somebody said so; its holder's address. */
#define HOLDERS_SHARED \
	"its Maildir is that of %s, too: each has the other's mail"
void holders_warn(const struct account *account, const char *address);

#endif
