/*
 * What the processes of one connection say to each other.
 *
 *	session -> auth		LOGIN
 *	auth -> session		GRANTED, DENIED, TROUBLE
 *	auth -> parent		VERDICT, on a channel session never had
 *	session -> store	OPEN, SIZES, UIDLS, FETCH, MARKS, UPDATE, END
 *	store -> session	MAILDROP, SIZES, UIDLS, FILES, UPDATED,
 *				TROUBLE
 *
 * Every request but MARKS and END has exactly one answer.  Strings are
 * NUL-terminated within their arrays; the receiver sees to that.  Numbers
 * of messages are those of POP3, from 1.
 */
#ifndef COMMON_MESSAGES_H
#define COMMON_MESSAGES_H

#include <stdint.h>
#include <sys/types.h>

#include "auth/accounts.h"
#include "common/channel.h"

enum message_type {
	MSG_LOGIN = 1,
	MSG_GRANTED,
	MSG_DENIED,
	MSG_VERDICT,
	MSG_OPEN,
	MSG_MAILDROP,
	MSG_SIZES,
	MSG_UIDLS,
	MSG_FETCH,
	MSG_FILES,
	MSG_MARKS,
	MSG_UPDATE,
	MSG_UPDATED,
	MSG_END,
	MSG_TROUBLE
};

/* MSG_LOGIN.  Whoever has one wipes it after use. */
struct msg_login {
	char user[ADDRESS_MAX + 1];
	char password[PASSWORD_MAX + 1];
	char mechanism[16];
};

/* MSG_DENIED: after the last one the connection ends. */
struct msg_denied {
	int32_t last;
};

/* MSG_VERDICT: all that the parent needs to become the store. */
struct msg_verdict {
	char address[ADDRESS_MAX + 1];
	char maildir[MAILDIR_MAX + 1];
	char label[LABEL_MAX + 1]; /* of the application password, or "" */
	uid_t uid;
	gid_t gid;
	int32_t spam;	     /* enum spam */
	int32_t auto_delete;
	int64_t from_now;    /* ns since the epoch; 0: all mail */
};

/* MSG_OPEN: for the log. */
struct msg_open {
	char tls[64];
	char mechanism[16];
};

/* MSG_MAILDROP: the mailbox is locked and open. */
struct msg_maildrop {
	uint64_t count;
	uint64_t octets;
};

/*
 * MSG_SIZES, MSG_UIDLS and MSG_FETCH ask for message n and, at the store's
 * choice, some that follow it.  The answers are
 * MSG_SIZES: octets (uint64_t) of n, n + 1, ...;
 * MSG_UIDLS: for each one octet of length, then the UIDL, no NUL;
 * MSG_FILES: a descriptor for each, open for reading at its beginning.
 */
struct msg_number {
	uint64_t n;
};

#define SIZES_MAX 1024 /* in one answer */
#define UIDL_MAX  70   /* octets: RFC 1939, section 7 */

/* MSG_MARKS: bits[i / 8] & 1 << i % 8 marks message first + i. */
#define MARKS_OCTETS 8192
struct msg_marks {
	uint64_t first;
	unsigned char bits[MARKS_OCTETS];
};

/* MSG_UPDATED: committed, so many messages are gone from the maildrop. */
struct msg_updated {
	uint64_t deleted;
};

/* MSG_END: how the session ended, for the log. */
struct msg_end {
	char reason[80];
	uint64_t retrieved;
	uint64_t octets;
};

/* MSG_TROUBLE: which response code the client gets (RFC 2449, RFC 3206). */
enum trouble { TROUBLE_NONE, TROUBLE_IN_USE, TROUBLE_TEMP, TROUBLE_PERM,
	TROUBLE_GONE };
struct msg_trouble {
	int32_t trouble;
};

#endif
