/*
 * pop3ctl: what its commands share.
 *
 * A command gets the words behind its name and returns the exit status:
 * CTL_GOOD, CTL_FAILED after one line on standard error (ctl_fail()), or
 * CTL_USAGE.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdio.h>

#include "auth/accounts.h"
#include "common/conf.h"

enum { CTL_GOOD, CTL_FAILED, CTL_USAGE };

#define ERR_SIZE	  1024
#define PORT_POP3S	  995 /* RFC 8314, 3.3 */
#define OPTIONS_GIVEN_MAX 16 /* on one command line */

/* What a command was given: by the table in commands.c, checked. */
struct args {
	const struct conf *conf;
	const char *option[128]; /* by letter: its value or "", or NULL */
	struct {
		int letter;
		const char *value; /* or "" */
	} given[OPTIONS_GIVEN_MAX]; /* all of them, in their order */
	size_t ngiven;
	int n;
	char **word; /* that are no options */
};

/* Tells what is wrong and how to mend it; returns CTL_FAILED. */
int ctl_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* From now on to the log, for a program without a terminal. */
void ctl_fail_to_log(void);

/*
 * Looks an address up, for reading.  Returns what accounts_get() does, where
 * -1 is told already.
 */
int ctl_look_up(
    const struct conf *conf, const char *address, struct account *account);

/* Tells that there is none; returns CTL_FAILED. */
int ctl_no_account(const struct conf *conf, const char *address,
    const struct account *alias);

/* The same for an account that must be there: CTL_GOOD or CTL_FAILED, told. */
int ctl_account(
    const struct conf *conf, const char *address, struct account *account);

/*
 * The same, and where the configuration says auth system also the system's
 * own users, by name: they have mailboxes, and settings that are all the
 * same.
 */
int ctl_user(
    const struct conf *conf, const char *name, struct account *account);

/*
 * Calls each() for all accounts, for reading, until it returns other than
 * CTL_GOOD.  A record that cannot be read is told of, and the others come all
 * the same.  Returns CTL_GOOD, or CTL_FAILED, told, if one was missed.
 */
int ctl_each_account(const struct conf *conf,
    int (*each)(const struct account *account, void *arg), void *arg);

/*
 * Changes an account: change() gets it, and when it returns CTL_GOOD the
 * account is written back, and sessions that could not be begun any more are
 * ended (revoke.h).
 */
int ctl_change(const struct conf *conf, const char *address,
    int (*change)(struct account *account, void *arg), void *arg);

/*
 * The same without that: which sessions are concerned is noted, and nothing
 * more.  As pop3settings' clerk does it, in its sandbox.
 */
struct revocation;
int ctl_change_noting(const struct conf *conf, const char *address,
    int (*change)(struct account *account, void *arg), void *arg,
    struct revocation *r);

/* Begins a change of all accounts; commits it if status is CTL_GOOD. */
struct accounts_edit *ctl_edit(const struct conf *conf);
int ctl_edit_end(struct accounts_edit *edit, int status);

/*
 * SIG_BLOCK: who types ^C, or closes the terminal, does not stop what follows
 * from a change that was made.  The commit does that; SIG_UNBLOCK ends it.
 */
void ctl_interrupts(int how);

/* Writes s as a string of JSON. */
void ctl_json_string(FILE *f, const char *s);

/* The commands: ctl/add.c, settings.c, app_passwords.c, ... */
int ctl_add(const struct args *args);
int ctl_alias_add(const struct args *args);
int ctl_alias_list(const struct args *args);
int ctl_alias_remove(const struct args *args);
int ctl_app_password_add(const struct args *args);
int ctl_app_password_list(const struct args *args);
int ctl_app_password_revoke(const struct args *args);
int ctl_check(const struct args *args);
int ctl_client_settings(const struct args *args);
int ctl_delete(const struct args *args);
int ctl_export(const struct args *args);
int ctl_import(const struct args *args);
int ctl_import_mbox(const struct args *args);
int ctl_import_uidls(const struct args *args);
int ctl_index(const struct args *args);
int ctl_invite(const struct args *args);
int ctl_journal(const struct args *args);
int ctl_kick(const struct args *args);
int ctl_last(const struct args *args);
int ctl_list(const struct args *args);
int ctl_passwd(const struct args *args);
int ctl_purge(const struct args *args);
int ctl_queue(const struct args *args);
int ctl_rename(const struct args *args);
int ctl_requeue(const struct args *args);
int ctl_set(const struct args *args);
int ctl_show(const struct args *args);
int ctl_who(const struct args *args);

#endif
