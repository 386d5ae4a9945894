#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auth/accounts.h"
#include "auth/system.h"
#include "common/privdrop.h"
#include "configtest.h"
#include "ctl/settings.h"
#include "session/tls.h"

#define DAY	   (24 * 60 * 60)
#define RENEW_DAYS 14

/* A line for the administrator; it returns -1, for those that fail. */
static int __attribute__((format(printf, 1, 2))) tell(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

/*
 * The client side of a handshake with our own server, in one process: the
 * certificate is then seen as clients will see it.
 */
static int
shake_hands(struct tls *client, struct tls *server, const int fd[2])
{
	struct tls *conn;
	int c, s, tries;

	if (tls_connect_socket(client, fd[0], "localhost") == -1 ||
	    tls_accept_socket(server, &conn, fd[1]) == -1)
		return -1;
	for (tries = 0; tries < 20; tries++) {
		c = tls_handshake(client);
		s = tls_handshake(conn);
		if (c == -1 || s == -1 || (c == 0 && s == 0))
			break;
	}
	tls_free(conn);
	return c == 0 ? 0 : -1;
}

/* When the certificate that the server shows expires; -1: no handshake. */
static time_t
expiry(struct tls *server)
{
	struct tls_config *config = tls_config_new();
	struct tls *client = tls_client();
	time_t when = -1;
	int fd[2];

	if (config != NULL && client != NULL &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0) {
		tls_config_insecure_noverifycert(config);
		tls_config_insecure_noverifyname(config);
		tls_config_insecure_noverifytime(config);
		if (tls_configure(client, config) == 0 &&
		    shake_hands(client, server, fd) == 0)
			when = tls_peer_cert_notafter(client);
		close(fd[0]);
		close(fd[1]);
	}
	tls_free(client);
	tls_config_free(config);
	return when;
}

static int
check_expiry(const struct conf *conf, const struct keypair *k, time_t when)
{
	time_t now = time(NULL);

	if (when == -1)
		return tell("%s:%d: no TLS handshake succeeds with %s; is it "
			    "an RSA or ECDSA certificate?",
		    conf->file, k->line, k->cert);
	if (when <= now)
		return tell("%s:%d: the certificate %s has expired; renew it",
		    conf->file, k->line, k->cert);
	if (when - now < RENEW_DAYS * DAY)
		(void)tell("%s:%d: warning: the certificate %s expires in "
			   "%ld days; renew it",
		    conf->file, k->line, k->cert,
		    (long)((when - now + DAY - 1) / DAY));
	return 0;
}

static int
check_keypair(const struct conf *conf, const struct keypair *k)
{
	struct stat st;
	struct tls *server;
	char err[512];
	int rv;

	if (access(k->cert, R_OK) == -1)
		return tell("%s:%d: certificate %s: %s", conf->file, k->line,
		    k->cert, strerror(errno));
	if (stat(k->key, &st) == -1 || access(k->key, R_OK) == -1)
		return tell("%s:%d: key %s: %s", conf->file, k->line, k->key,
		    strerror(errno));
	if ((st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0)
		return tell("%s:%d: key %s can be read or changed by others; "
			    "chmod 0600 %s",
		    conf->file, k->line, k->key, k->key);
	if (geteuid() == 0 && st.st_uid != 0)
		(void)tell("%s:%d: warning: key %s is not root's; systemd's "
			   "unit cannot read it, see pop3d(8)",
		    conf->file, k->line, k->key);
	if (k->staple != NULL && access(k->staple, R_OK) == -1)
		return tell("%s:%d: OCSP staple %s: %s", conf->file, k->line,
		    k->staple, strerror(errno));
	if ((server = tls_setup(conf->file, k, 1, err, sizeof(err))) == NULL)
		return tell("%s; does the key belong to the certificate?", err);
	rv = check_expiry(conf, k, expiry(server));
	tls_free(server);
	return rv;
}

static int
check_keypairs(const struct conf *conf)
{
	size_t i;

	if (conf->nkeypair == 0)
		return tell("%s: there is no keypair; add: keypair "
			    "CERTIFICATE KEY",
		    conf->file);
	for (i = 0; i < conf->nkeypair; i++)
		if (check_keypair(conf, &conf->keypair[i]) == -1)
			return -1;
	return 0;
}

static int
check_user(const struct conf *conf, const char *keyword, const char *name)
{
	char where[CONF_PLACE_SIZE];
	struct passwd *pw = getpwnam(name);

	(void)conf_place(conf, keyword, where);
	if (pw == NULL)
		return tell("%s: %s: there is no user %s; create it, or name "
			    "another",
		    where, keyword, name);
	if (pw->pw_uid == 0 || pw->pw_gid == 0)
		return tell("%s: %s: %s is root; name another user", where,
		    keyword, name);
	return 0;
}

static int
check_users(const struct conf *conf)
{
	if (geteuid() == 0 && check_user(conf, "user", conf->user) == -1)
		return -1;
	return conf->owner == NULL ? 0 : check_user(conf, "owner", conf->owner);
}

static int
check_presets(const struct conf *conf)
{
	static struct account account; /* large */
	char err[512];

	if (settings_preset(&account, conf, err, sizeof(err)) == -1)
		return tell("%s", err);
	return 0;
}

static int
check_system(const struct conf *conf)
{
	const char *obstacle;

	if (geteuid() == 0 && !privdrop_empty_dir(EMPTY_DIR))
		return tell(
		    "%s must be an empty directory that only root "
		    "can write to; empty it, chown root and chmod 0755 it",
		    EMPTY_DIR);
	if (conf->auth_system && (obstacle = system_obstacle()) != NULL)
		(void)tell(
		    "%s: warning: auth system: %s", conf->file, obstacle);
	return 0;
}

/* All of them: what a login would find damaged is found here. */
static int
read_accounts(const struct conf *conf, char *err, size_t errsize)
{
	static struct account account; /* large */
	struct accounts *accounts;
	int found;

	if (accounts_open(&accounts, conf->accounts, err, errsize) == -1)
		return -1;
	do
		found = accounts_next(accounts, &account, err, errsize);
	while (found == 1 || found == ACCOUNTS_ALIAS);
	accounts_close(accounts);
	explicit_bzero(&account, sizeof(account));
	return found == 0 ? 0 : -1;
}

static int
check_accounts(const struct conf *conf)
{
	struct stat st;
	char err[512], where[CONF_PLACE_SIZE];

	if (!conf->auth_accounts)
		return 0;
	(void)conf_place(conf, "accounts", where);
	if (stat(conf->accounts, &st) == -1)
		return tell("%s: accounts %s: %s; `pop3ctl add' makes the "
			    "first",
		    where, conf->accounts, strerror(errno));
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return tell("%s: accounts %s: others than its owner have "
			    "access; chmod 0600 %s",
		    where, conf->accounts, conf->accounts);
	if (read_accounts(conf, err, sizeof(err)) == -1)
		return tell("%s: accounts: %s", where, err);
	return 0;
}

/* A first login makes what is missing of homes; nobody makes this. */
static void
check_spool(const struct conf *conf)
{
	char where[CONF_PLACE_SIZE], path[PATH_MAX];
	char *slash;

	if (conf->spool == NULL)
		return;
	(void)conf_place(conf, "spool", where);
	if (!conf->auth_system)
		(void)tell("%s: warning: spool is for local users; say auth "
			   "system, too, or remove the line",
		    where);
	strlcpy(path, conf->spool, sizeof(path));
	/* The directories that all users share. */
	while (strchr(path, '%') != NULL &&
	    (slash = strrchr(path, '/')) != NULL && slash > path)
		*slash = '\0';
	if (access(path, X_OK) == -1)
		(void)tell("%s: warning: spool %s: %s: %s", where,
		    conf->spool, path, strerror(errno));
}

int
configtest(struct conf *conf, const char *file)
{
	char err[1024];

	if (conf_load(conf, file, err, sizeof(err)) == -1) {
		(void)tell("%s", err);
		return 1;
	}
	if (check_users(conf) == -1 || check_presets(conf) == -1 ||
	    check_keypairs(conf) == -1 ||
	    check_system(conf) == -1 || check_accounts(conf) == -1)
		return 1;
	check_spool(conf);
	puts("configuration OK");
	return 0;
}
