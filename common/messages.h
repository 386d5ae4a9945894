/*
 * What the processes of one connection say to each other.
 *
 *	session, sasl -> auth	LOGIN; sasl, END
 *	auth -> session, sasl	GRANTED, DENIED, TROUBLE; to sasl, END
 *	auth -> parent		VERDICT or ANEW, on a channel session never had
 *	auth -> system		LOGIN, to the process that asks the system
 *	system -> auth		VERDICT, DENIED
 *	session -> store	OPEN, SIZES, UIDLS, FETCH, MARKS, UPDATE, END
 *	store -> session	MAILDROP, SIZES, UIDLS, FILES, UPDATED,
 *				TROUBLE, END
 *	listener -> keys	CONNECTION
 *	keys -> listener	READY, GONE
 *	listener -> session	END; so may the parent
 *
 * Every request but MARKS and END has exactly one answer.  Only FILES and
 * CONNECTION come with descriptors.  Numbers of messages are those of POP3,
 * from 1.
 *
 * A structure is the whole payload, and message_get() takes it out of a
 * message: strings in it are ended then, whatever the sender did.
 */
#ifndef COMMON_MESSAGES_H
#define COMMON_MESSAGES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/channel.h"
#include "common/connection.h"
#include "common/policy.h"

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
	MSG_TROUBLE,
	MSG_CONNECTION,
	MSG_READY,
	MSG_GONE,
	MSG_ANEW
};

/*
 * Takes the payload out of a message: returns 1 and fills out, size octets,
 * if the message is of that type and its payload of exactly that size; else
 * 0, out untouched.  Strings in out end within their arrays.  Whoever
 * received a secret wipes both.  Any process.
 */
int message_get(
    const struct message *m, uint32_t type, void *out, size_t size);

/*
 * MSG_LOGIN.  Whoever has one wipes it after use.  The session says peer
 * only if somebody claimed that the client's address is another than the
 * connection's, and via who that was; auth decides whether to believe it,
 * and tells the process that asks the system what it believes.  sasl says in
 * peer whom the SMTP server names as its client, and what else that tells of
 * him, which is for the log.
 */
struct msg_login {
	uint32_t id;	  /* of the question; its answer has the same */
	uint32_t service; /* enum service: one of them */
	char user[ADDRESS_MAX + 1];
	char password[PASSWORD_MAX + 1];
	char mechanism[MECHANISM_MAX + 1];
	char peer[PEER_MAX + 1];
	char via[PEER_MAX + 1];
	char program[PROGRAM_MAX + 1]; /* "smtp": what the client talks to */
	char local[PEER_MAX + 1];      /* the address he has connected to */
	char local_name[ADDRESS_MAX + 1]; /* by TLS's SNI */
};

/*
 * MSG_GRANTED: whose account it is.  For POP, auth ends, and the store
 * answers from now on; for sending, that is all.
 */
struct msg_granted {
	uint32_t id;
	char address[ADDRESS_MAX + 1];
};

/* MSG_DENIED: after the last one the connection ends. */
struct msg_denied {
	uint32_t id;
	int32_t last;
};

/* MSG_VERDICT: all that the parent needs to become the store. */
struct msg_verdict {
	struct policy policy;
	int32_t read_only; /* nothing may be marked */
	int32_t home;	   /* the Maildir is made in a home that is there */
	uid_t uid;	   /* the mailbox's owner, never 0 */
	gid_t gid;
	char id[CONNECTION_ID_SIZE];
	char address[ADDRESS_MAX + 1];
	char maildir[MAILDIR_MAX + 1];
	char label[LABEL_MAX + 1]; /* of the application password, or "" */
	char mechanism[MECHANISM_MAX + 1];
	char peer[PEER_MAX + 1]; /* the client's address */
	char via[PEER_MAX + 1];	 /* the proxy it came through, or "" */
};

/* MSG_OPEN: what the store cannot know from the verdict, for the log. */
struct msg_open {
	char tls[64];
};

/* MSG_MAILDROP: the mailbox is locked and open. */
struct msg_maildrop {
	uint64_t count;
	uint64_t octets;
	uint64_t read_only; /* marks are refused */
	uint64_t mark_read; /* MARK_SEEN is taken */
};

/*
 * MSG_SIZES, MSG_UIDLS and MSG_FETCH ask for message n and, at the store's
 * choice, some that follow it.  The answers are
 * MSG_SIZES: octets (uint64_t) of n, n + 1, ...;
 * MSG_UIDLS: for each one octet of length, then the UIDL, no NUL;
 * MSG_FILES: the octets (uint64_t) of each, and for each a descriptor, open
 * for reading at its beginning.
 */
struct msg_number {
	uint64_t n;
};

#define SIZES_MAX 1024 /* in one answer */
#define UIDL_MAX  70   /* octets: RFC 1939, section 7 */

/*
 * MSG_MARKS: bits[i / 8] & 1 << i % 8 marks message first + i.  Messages of
 * one kind come in the order of their numbers.
 */
#define MARKS_OCTETS 8192
enum mark { MARK_DELETE, MARK_SEEN, MARKS };
struct msg_marks {
	uint64_t first;
	uint64_t kind; /* enum mark */
	unsigned char bits[MARKS_OCTETS];
};

/* MSG_UPDATED: committed, so many messages are gone from the maildrop. */
struct msg_updated {
	uint64_t deleted;
};

/*
 * MSG_END: how the session ended, for the log.  To the session: it is to end,
 * for that reason.  From auth to sasl: it has not failed, but the SMTP server
 * should connect anew; and back: it is over.
 */
struct msg_end {
	char reason[80];
	uint64_t retrieved;
	uint64_t octets;
};

/*
 * MSG_ANEW: instead of a verdict.  The accounts have been replaced, and the
 * question that waits in the channel is for another auth, which opens them.
 */
struct msg_anew {
	int32_t failures; /* so far, on this connection */
};

/* MSG_TROUBLE: which response code the client gets (RFC 2449, RFC 3206). */
enum trouble { TROUBLE_NONE, TROUBLE_IN_USE, TROUBLE_TEMP, TROUBLE_PERM,
	TROUBLE_GONE };
struct msg_trouble {
	uint32_t id; /* of the LOGIN; 0: it is no answer to one */
	int32_t trouble;
};

/*
 * MSG_CONNECTION: a client's socket, and the session's end of its channel.
 * place is the listener's number for it.
 */
struct msg_connection {
	uint32_t place;
	struct connection connection;
};

/*
 * MSG_READY, of which there is no more: keys has loaded them and is locked in.
 * MSG_GONE: the session's process has ended, and its place with it.
 */
struct msg_gone {
	uint32_t place;
	char id[CONNECTION_ID_SIZE];
};

#endif
