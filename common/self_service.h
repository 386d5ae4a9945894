/*
 * What pop3web asks pop3settings, and what it is answered.
 *
 * On a UNIX socket of kind SOCK_SEQPACKET, one request a connection: a struct
 * self_request is sent, a struct self_answer comes back, and the connection
 * ends.  Both are of one size, whatever is asked.  Nothing in them has been
 * looked at when it comes: each side takes a message of exactly that size,
 * that version and these values alone, and ends each string itself
 * (self_request_settle(), self_answer_settle()).
 *
 * Strings are UTF-8 where they are for people.  In an answer they may have
 * been written by strangers (subjects, labels): they have no control
 * characters, and whoever shows them sees to the rest.  What is not used is
 * zero.  Whoever has had a secret in one of these wipes it.
 */
#ifndef COMMON_SELF_SERVICE_H
#define COMMON_SELF_SERVICE_H

#include <stdint.h>

#include "common/network.h"
#include "common/policy.h"

#define SELF_VERSION 3
#define SELF_SOCKET  "/run/pop3settings.socket"

/* Octets of a string, its NUL not counted. */
#define SELF_COOKIE_MAX	  511 /* letters, digits, - and _ */
#define SELF_CODE_MAX	  31  /* as it was typed */
#define SELF_TOKEN_MAX	  63  /* of an invitation */
#define SELF_UIDL_MAX	  70
#define SELF_TEXT_MAX	  255 /* of a subject, a sender */
#define SELF_HOST_MAX	  255
#define SELF_SECRET_MAX	  39  /* of two-factor, base32 */
#define SELF_RECOVERY_MAX 15  /* of a recovery code */

#define SELF_APPS	32 /* application passwords in an answer */
#define SELF_KEPT	16 /* messages */
#define SELF_EVENTS	32
#define SELF_LOGINS	5
#define SELF_OUTGOING	4
#define SELF_RECOVERIES 10

/* The shortest password that can be chosen, characters; see PASSWORD_MAX. */
#define SELF_PASSWORD_MIN 10

/* What is asked, and with what of the request it comes. */
enum self_want {
	/* No cookie is needed.  What comes back is one, or a refusal. */
	SELF_SIGN_IN = 1, /* address, password */
	SELF_INVITED,	  /* address, token: both of an invitation's link */
	SELF_CODE,	  /* the cookie of a SELF_SECOND_FACTOR; code */

	/* With the cookie of somebody who is signed in. */
	SELF_SIGN_OUT,	 /* on all his devices */
	SELF_OVERVIEW,	 /* page.overview */
	SELF_SET,	 /* settings, value: all of them, or none */
	SELF_APPS_LIST,	 /* from; page.apps */
	SELF_APP_MAKE,	 /* label, services, expires, read_only; page.made */
	SELF_APP_REVOKE, /* label */
	SELF_KEPT_LIST,	 /* from; page.kept */
	SELF_REQUEUE,	 /* uidl, or "" for all that is kept; page.count */
	SELF_ACTIVITY,	 /* from; page.activity */
	SELF_CLIENT,	 /* page.client */
	SELF_SECURITY,	 /* nothing but the account */
	SELF_NOT_ME,	 /* ends all sessions, revokes all application
			    passwords; page.count */
	SELF_PASSWORD,	 /* new_password */
	SELF_TOTP_START,   /* page.secret */
	SELF_TOTP_CONFIRM, /* code; page.recovery */
	SELF_TOTP_OFF,	   /* two-factor as a whole */
	SELF_RECOVERY,	   /* page.recovery, in place of those before */
	SELF_WANTS	   /* how many there are, and one more */
};

/*
 * These open doors: password has the present one, as it was typed just now;
 * where the account's prove says that it is not asked for, "".
 */
#define SELF_OPENS_DOORS(want)                                             \
	((want) == SELF_APP_MAKE || (want) == SELF_PASSWORD ||             \
	    (want) == SELF_TOTP_START || (want) == SELF_TOTP_OFF ||        \
	    (want) == SELF_RECOVERY)

/* What comes of it. */
enum self_result {
	SELF_GOOD,
	/* Of signing in. */
	SELF_SECOND_FACTOR, /* so far right; now a code: SELF_CODE */
	SELF_REFUSED,	    /* that is all that is said of the reason */
	SELF_SIGNED_OUT,    /* no cookie that is good: sign in (again) */
	SELF_CODE_WRONG,    /* or used already */
	SELF_GUESSES,	    /* too many wrong ones: none for some minutes */
	/* Of the present password. */
	SELF_WRONG_PASSWORD,
	SELF_INVITATION_NEEDED, /* there is none: ask for a new invitation */
	/* Of what was asked for: nothing has changed. */
	SELF_BAD_VALUE,
	SELF_BAD_LABEL,	   /* empty, blank, too long, control characters */
	SELF_LABEL_TAKEN,
	SELF_NO_SUCH,	   /* label, kept message, or no secret to confirm */
	SELF_TOO_MANY,	   /* application passwords */
	SELF_BAD_DATE,	   /* expires: passed, or in more than 100 years */
	SELF_SHORT,	   /* new password; too easy is SELF_EASY */
	SELF_LONG,	   /* for the system's hash */
	SELF_EASY,	   /* the present one, the address, one character */
	/* Of the world: nothing has changed, */
	SELF_IN_USE,  /* a session has the mailbox: in some minutes */
	SELF_CHANGED, /* somebody has changed the account meanwhile: again */
	/* but where a process of ours died, which may have done it before. */
	SELF_TROUBLE, /* ours; the log tells */
	SELF_OTHER_VERSION, /* pop3web and pop3settings are not of one kind */
	SELF_RESULTS
};

/* SELF_SET: some of these, each to one of its values. */
enum self_setting {
	SELF_SET_ACCESS = 1,  /* enum self_access */
	SELF_SET_SPAM,	      /* enum spam */
	SELF_SET_AUTO_DELETE, /* 1: deleted mail goes; 0: it is kept */
	SELF_SET_KEEP,	      /* days, or FOR_EVER */
	SELF_SET_MARK_READ,   /* 1 or 0 */
	SELF_SETTINGS
};

/* As enum access of auth/account.h. */
enum self_access { SELF_ACCESS_OFF, SELF_ACCESS_ALL, SELF_ACCESS_FROM_NOW };

/* What proves that it is still the user who sits there. */
enum self_prove {
	SELF_PROVE_PASSWORD,   /* the present password is asked for */
	SELF_PROVE_INVITATION, /* he came by one a short while ago: nothing */
	SELF_PROVE_NONE /* he has no password: a new invitation is needed */
};

struct self_request {
	uint32_t version; /* SELF_VERSION */
	uint32_t want;	  /* enum self_want */
	char peer[PEER_MAX + 1];	   /* the browser's address, or "" */
	char cookie[SELF_COOKIE_MAX + 1];  /* "": there is none */
	char address[ADDRESS_MAX + 1];	   /* as it was typed */
	char password[PASSWORD_MAX + 1];   /* the present one */
	char new_password[PASSWORD_MAX + 1];
	char code[SELF_CODE_MAX + 1]; /* six digits, or a recovery code */
	char token[SELF_TOKEN_MAX + 1];
	char label[LABEL_MAX + 1];
	char uidl[SELF_UIDL_MAX + 1];
	uint32_t settings;  /* 1 << enum self_setting, of those to be set */
	uint32_t services;  /* enum service */
	uint32_t read_only; /* 1 or 0 */
	uint32_t from;	    /* the first of a list that is wanted: 0, 32, ... */
	int64_t value[SELF_SETTINGS]; /* of each of them */
	int64_t expires; /* seconds since the epoch, or FOR_EVER */
};

/*
 * Whose page it is: in each answer to a cookie that is good.  After a change
 * it is the account as it is now.
 */
struct self_account {
	char address[ADDRESS_MAX + 1];
	uint32_t access; /* enum self_access */
	uint32_t spam;	 /* enum spam */
	uint32_t auto_delete;
	uint32_t keep; /* days, or FOR_EVER */
	uint32_t mark_read;
	uint32_t send;	       /* may it send mail at all? */
	uint32_t has_password; /* of its own */
	uint32_t two_factor; /* only application passwords let in by POP */
	uint32_t totp;	       /* and this page asks for a code */
	uint32_t recovery_left;
	uint32_t apps;	 /* how many application passwords there are */
	uint32_t prove;	 /* enum self_prove */
};

/* A login of the mailbox's journal, newest first. */
struct self_login {
	int64_t time;		   /* seconds since the epoch */
	char peer[PEER_MAX + 1];   /* from where */
	char label[LABEL_MAX + 1]; /* "": by the account's password */
	char service[8];	   /* "pop" */
};

/* In these, unread says that the journal cannot be read, or not all of it. */
struct self_overview {
	uint32_t unread, n;
	struct self_login login[SELF_LOGINS];
};

struct self_app {
	char label[LABEL_MAX + 1];
	int64_t created;
	int64_t expires;      /* or FOR_EVER */
	int64_t used;	      /* for POP, last; 0: never */
	char peer[PEER_MAX + 1]; /* from where */
	uint32_t services;    /* enum service, both perhaps */
	uint32_t read_only;
	uint32_t networks; /* it is good from these alone; 0: everywhere */
	char network[4][NETWORK_TEXT_SIZE];
};

/* Of total, those from "from" on. */
struct self_apps {
	uint32_t unread; /* so their last use is not known */
	uint32_t total, from, n;
	struct self_app app[SELF_APPS];
};

/* What a mail program is told. */
struct self_server {
	char host[SELF_HOST_MAX + 1];
	uint32_t port;
	uint32_t starttls; /* 0: TLS from the first octet */
};

struct self_client {
	char user[ADDRESS_MAX + 1]; /* the user name, for all of them */
	struct self_server incoming; /* POP3 */
	uint32_t noutgoing; /* 0: none is known, or it may not send */
	struct self_server outgoing[SELF_OUTGOING];
};

/* A new application password: shown once. */
struct self_made {
	char password[32];
	struct self_app app;
	struct self_client client;
};

enum self_kept_state {
	SELF_KEPT_DELETED, /* by a mail program */
	SELF_KEPT_EARLIER  /* from before "from now on" */
};

/* The newest first. */
struct self_message {
	char uidl[SELF_UIDL_MAX + 1];
	uint32_t state; /* enum self_kept_state */
	uint32_t junk;	/* it is in that folder */
	uint64_t octets;
	int64_t since;	   /* deleted then; 0: not known */
	int64_t delivered; /* 0: not known */
	char from[SELF_TEXT_MAX + 1];	 /* "": not known, as below */
	char subject[SELF_TEXT_MAX + 1];
};

struct self_kept {
	uint32_t total, from, n;
	struct self_message message[SELF_KEPT];
};

enum self_event_kind {
	SELF_EVENT_LOGIN,    /* peer, label, service */
	SELF_EVENT_DELETED,  /* uidl, octets; or count, of more of them */
	SELF_EVENT_RETAINED, /* the same: kept */
	SELF_EVENT_END,	     /* reason; count: fetched, octets; deleted */
	/* On the page: peer; or by the administrator: service "pop3ctl". */
	SELF_EVENT_SIGNED_IN, /* reason: "password", "code", ... */
	SELF_EVENT_CHANGED,   /* reason: what; label: its value, or "" */
	SELF_EVENT_REQUEUED,  /* count */
	SELF_EVENT_PURGED     /* count */
};

/* Of the journal, the newest first.  Equal ids are of one session. */
struct self_event {
	int64_t time;
	uint32_t kind; /* enum self_event_kind */
	char id[9];
	char peer[PEER_MAX + 1];
	char label[LABEL_MAX + 1];
	char service[8];
	char uidl[SELF_UIDL_MAX + 1];
	char reason[32]; /* "quit", "disconnected", "kicked", ... */
	uint64_t count;
	uint64_t octets;
	uint64_t deleted;
};

struct self_activity {
	uint32_t unread;
	uint32_t total, from, n;
	struct self_event event[SELF_EVENTS];
};

/* For the authenticator app: otpauth://totp/ISSUER:ADDRESS?secret=... */
struct self_secret {
	char secret[SELF_SECRET_MAX + 1]; /* base32; SHA-1, 6 digits, 30 s */
	char issuer[SELF_HOST_MAX + 1];
};

struct self_recovery {
	uint32_t n;
	char code[SELF_RECOVERIES][SELF_RECOVERY_MAX + 1];
};

struct self_answer {
	uint32_t version; /* SELF_VERSION */
	uint32_t want;	  /* as asked */
	uint32_t result;  /* enum self_result */
	uint32_t seconds; /* so long the cookie is good, unless it is used */
	/*
	 * The browser is to have this one from now on.  "": it is to have
	 * none, but with SELF_TROUBLE and SELF_OTHER_VERSION, where it keeps
	 * what it has.
	 */
	char cookie[SELF_COOKIE_MAX + 1];
	struct self_account account; /* its address is "" if there is none */
	union {
		struct self_overview overview;
		struct self_apps apps;
		struct self_made made;
		struct self_kept kept;
		struct self_activity activity;
		struct self_client client;
		struct self_secret secret;
		struct self_recovery recovery;
		/* Of messages queued again, or passwords revoked. */
		uint64_t count;
	} page; /* only with SELF_GOOD, and as want says */
};

/*
 * Ends the strings of a message that came, and looks at what counts in it.
 * Returns 1, or 0: it is no such message, and nothing in it is to be used.
 * A self_request of another version is told by version alone.
 */
int self_request_settle(struct self_request *request);
int self_answer_settle(struct self_answer *answer);

#endif
