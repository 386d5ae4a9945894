/*
 * What accounts, messages and mailboxes have in common: how long names may
 * be, and the settings of an account that travel to its mailbox.
 */
#ifndef COMMON_POLICY_H
#define COMMON_POLICY_H

#include <stdint.h>

/* Octets of a string, its NUL not counted. */
#define ADDRESS_MAX   254 /* RFC 5321, 4.5.3.1.3 */
#define PASSWORD_MAX  511 /* what crypt(3) accepts */
#define MAILDIR_MAX   1023
#define LABEL_MAX     63
#define MECHANISM_MAX 20 /* RFC 4422, 3.1 */
#define PROGRAM_MAX   31 /* what an SMTP server calls itself */
#define PEER_MAX      63 /* an IPv6 address with its scope */

/* Never: of policy.keep, and of what may expire. */
#define FOR_EVER 0
#define DAYS_MAX 36500 /* otherwise at most a hundred years of them */

/* What somebody logs in for: bits, so that one number can tell several. */
enum service { SERVICE_POP = 1, SERVICE_SEND = 2, SERVICE_BOTH = 3 };

/* What becomes of the junk folder. */
enum spam { SPAM_EXCLUDE, SPAM_INCLUDE, SPAM_ONLY };

/*
 * What an account's settings change in its mailbox.  It is a part of the
 * account, travels in auth's verdict, and the store works by it.  A setting
 * that only the mailbox is concerned with is added here and in
 *	auth/record.c	    the record, old ones without it included
 *	auth/system.c	    its value for the system's own users
 *	ctl/new_account.c   account_init(): its value for a new account
 *	ctl/settings.c	    what pop3ctl set, show, import and export call it
 *	man/pop3ctl.8 and etc/pop3ctl.bash-completion, which
 *	tests/test_tables.py compares with ctl/settings.c
 * and the store does what it says.
 */
struct policy {
	int64_t from_now; /* older mail is hidden: ns since the epoch, or 0 */
	uint32_t keep;	  /* retained mail is: so many days, or FOR_EVER */
	enum spam spam;
	int auto_delete; /* what is deleted by POP leaves the Maildir */
	int mark_read;	 /* what was retrieved becomes seen */
};

#endif
