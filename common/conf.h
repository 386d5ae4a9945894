/*
 * The configuration, pop3d.conf(5).
 *
 * Read by the parent (or pop3ctl) as it starts, and by the listener when it
 * has changed; never by a process that has met the network.  All strings
 * belong to the struct conf.
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <limits.h>
#include <stddef.h>

#include "common/network.h"

#define CONF_FILE	  "/etc/pop3d.conf"
#define CONF_KEYWORDS_MAX 32
#define CONF_KEYPAIRS_MAX 32
#define CONF_OUTGOING_MAX 4
#define CONF_PRESETS_MAX  16
#define CONF_PROXIES_MAX  64
#define CONF_SESSIONS_MAX 10000
#define CONF_HOSTNAME_MAX 255 /* octets: RFC 1035, 2.3.4; a greeting has room */
#define CONF_PLACE_SIZE	  (PATH_MAX + 16)

struct keypair {
	char *cert;
	char *key;
	char *staple; /* a file with an OCSP response, or NULL */
	int line;     /* where the configuration names it */
};

/* A setting of new accounts. */
struct preset {
	char *text; /* KEY=VALUE */
	int line;   /* where the configuration has it */
};

struct outgoing {
	char *host;
	int port;
	int starttls; /* 0: TLS from the first octet (465) */
};

struct conf {
	const char *file;
	char *hostname;
	char *accounts;
	char *maildir; /* template for new accounts: %d %u %a ~, no other % */
	char *owner;   /* default owner of new mailboxes, or NULL */
	struct preset preset[CONF_PRESETS_MAX];
	size_t npreset;
	char *default_domain; /* of logins without an @, or NULL */
	char *junk;
	char *spool; /* template of local users' mboxes: %u; or NULL */
	char *user; /* what session and auth run as */
	char *cookie_key;   /* a file, of pop3settings' auth */
	char *self_service; /* URL of the page, or NULL */
	struct keypair keypair[CONF_KEYPAIRS_MAX];
	size_t nkeypair;
	struct outgoing outgoing[CONF_OUTGOING_MAX];
	size_t noutgoing;
	/* There, and only there, a PROXY header tells who the client is. */
	struct network proxy[CONF_PROXIES_MAX];
	size_t nproxy;
	int login_timeout; /* seconds */
	int idle_timeout;  /* seconds */
	int max_failures;
	int notify_new_login; /* by a message in the user's mailbox */
	/* Of the listener: sessions at once, in all and from one address. */
	int max_sessions;
	int max_sessions_per_address;
	int listener_timeout; /* seconds without a session; 0: for ever */
	int auth_accounts; /* look users up in the accounts database */
	int auth_system;   /* let local users in by the system's own word */
	int sandbox_required;
	int line[CONF_KEYWORDS_MAX]; /* conf_place()'s */
};

/*
 * Fills conf from file, with defaults for what is not said.  Returns 0, or
 * -1 with "FILE:LINE: what is wrong: the mend" in err.
 */
int conf_load(struct conf *conf, const char *file, char *err, size_t errsize);

/*
 * The same, but goes on behind what is wrong, and tells each such sentence.
 * Returns -1 if there is nothing to go on with: the file cannot be read.
 */
int conf_load_all(
    struct conf *conf, const char *file, void (*tell)(const char *what));

/* Frees what either has filled in, even where it failed. */
void conf_free(struct conf *conf);

/*
 * The mbox of a local user: 1, and its path; 0 where there is none, or where
 * none can have that name.
 */
int conf_spool(
    const struct conf *conf, const char *user, char path[PATH_MAX]);

/*
 * Where in the configuration a keyword is, for messages: FILE:LINE of the
 * last line with it, or FILE where there is none and the default counts.
 * Returns place.
 */
const char *conf_place(
    const struct conf *conf, const char *keyword, char place[CONF_PLACE_SIZE]);

#endif
