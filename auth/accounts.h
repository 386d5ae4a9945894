/*
 * The accounts: who they are, what they may do, where their mail is.
 *
 * One Berkeley DB btree, root's and mode 0600.  auth opens it while it is
 * still root and looks one account up; pop3ctl writes it.  A writer makes a
 * new file and renames it into place, so a reader never locks and never
 * sees half a change; writers exclude each other by PATH.lock.
 */
#ifndef AUTH_ACCOUNTS_H
#define AUTH_ACCOUNTS_H

#include <stddef.h>

#include "auth/account.h"

/* An open accounts database, to look up and to list. */
struct accounts;

/*
 * Makes the first steps of accounts_open(), which are the same for all
 * databases, and read none: for who forks processes that open one.
 */
void accounts_prepare(void);

/*
 * Opens the database for reading.  Returns 0, or -1 with a sentence that
 * tells what is wrong and the mend in err.
 */
int accounts_open(
    struct accounts **accounts, const char *path, char *err, size_t errsize);

/*
 * Looks for pages that are lost, on which accounts_get() might not end: it
 * reads the whole database, which a login has no time for.  Returns 0, or
 * -1 with err filled.  accounts_next() and writers look by themselves.
 */
int accounts_check(struct accounts *accounts, char *err, size_t errsize);

/* What accounts_get() and accounts_next() say of an alias. */
#define ACCOUNTS_ALIAS 2

/* What accounts_next() says of a record that cannot be read. */
#define ACCOUNTS_BAD 3

/*
 * Looks an address up; case does not matter.  Returns 1 and fills account
 * when there is an account; ACCOUNTS_ALIAS and fills address and alias_of
 * alone when there is an alias, which is no account: nobody logs in to it,
 * and it may lead nowhere; 0 when there is neither; -1 with err filled when
 * the database or the record cannot be read (corrupt, of a newer version).
 */
int accounts_get(struct accounts *accounts, const char *address,
    struct account *account, char *err, size_t errsize);

/*
 * Whom a login by this name means: looks it up with "@" and domain behind it
 * if it has no @ and domain is not NULL, and where an alias leads, which is
 * one step at most.  Returns 1 and fills account, 0 or -1, as accounts_get().
 */
int accounts_find(struct accounts *accounts, const char *name,
    const char *domain, struct account *account, char *err, size_t errsize);

/*
 * Steps through all accounts and aliases in the order of their addresses: 1
 * and the next account, or ACCOUNTS_ALIAS and the next alias; 0 at the end,
 * behind which it begins anew; ACCOUNTS_BAD with err filled when the next
 * record cannot be read, behind which it goes on; -1 with err filled when the
 * database cannot.
 */
int accounts_next(struct accounts *accounts, struct account *account,
    char *err, size_t errsize);

/*
 * For who keeps the accounts open longer than for one login: the file, or -1;
 * and whether it has been replaced by a changed one, or removed.
 */
int accounts_file(const struct accounts *accounts);
int accounts_replaced(const struct accounts *accounts);

void accounts_close(struct accounts *accounts);

/*
 * Changing accounts: begin (waits for another writer, creates what is
 * missing), any number of gets, puts and deletes, then commit, after which
 * all of them are seen at once and survive a power cut, or abandon, after
 * which none is.  Both free edit, commit also when it fails.  All return 0,
 * or -1 with err filled; accounts_edit_get() as accounts_get().
 */
struct accounts_edit;

int accounts_edit_begin(struct accounts_edit **edit, const char *path,
    char *err, size_t errsize);
int accounts_edit_get(struct accounts_edit *edit, const char *address,
    struct account *account, char *err, size_t errsize);
int accounts_edit_put(struct accounts_edit *edit,
    const struct account *account, char *err, size_t errsize);
int accounts_edit_delete(struct accounts_edit *edit, const char *address,
    char *err, size_t errsize);
/*
 * What is being changed, to step through it, and meanwhile put what was there
 * already.  It belongs to edit.
 */
struct accounts *accounts_edit_accounts(struct accounts_edit *edit);

int accounts_edit_commit(
    struct accounts_edit *edit, char *err, size_t errsize);
void accounts_edit_abandon(struct accounts_edit *edit);

#endif
