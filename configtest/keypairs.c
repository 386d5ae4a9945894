#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "configtest/certificate.h"
#include "configtest/keypairs.h"
#include "configtest/tell.h"
#include "configtest/view.h"
#include "session/tls.h"

#define DAY	   (24 * 60 * 60)
#define RENEW_DAYS 14

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

static void
check_expiry(const char *where, const struct keypair *k, time_t when)
{
	time_t now = time(NULL);

	if (when == -1)
		(void)tell_wrong("%s: no TLS handshake succeeds with %s; is "
		    "it an RSA or ECDSA certificate?", where, k->cert);
	else if (when <= now)
		(void)tell_wrong("%s: the certificate %s has expired; renew it",
		    where, k->cert);
	else if (when - now < RENEW_DAYS * DAY)
		tell_warning(where, "the certificate %s expires in %ld days; "
		    "renew it", k->cert,
		    (long)((when - now + DAY - 1) / DAY));
}

/* Returns 0, 1 if only more rights than the unit's can read it, or -1. */
static int
check_key(const char *where, const struct keypair *k)
{
	struct stat st;

	if (stat(k->key, &st) == -1 || !S_ISREG(st.st_mode) ||
	    geteuid() != 0 || st.st_uid == 0) {
		if (view_readable(where, "key", k->key) == -1)
			return -1;
		if (stat(k->key, &st) == -1)
			return tell_wrong("%s: key %s: %s", where, k->key,
			    strerror(errno));
	}
	if ((st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0)
		return tell_wrong("%s: key %s can be read or changed by "
		    "others; chmod 0600 %s", where, k->key, k->key);
	if (geteuid() != 0 || st.st_uid == 0)
		return 0;
	tell_warning(where, "key %s is not root's; systemd's unit cannot read "
	    "it, see pop3d(8)", k->key);
	return 1;
}

/* All three, so that each is told that cannot be read. */
static int
check_files(const char *where, const struct keypair *k)
{
	int rv = check_key(where, k);

	if (view_readable(where, "certificate", k->cert) == -1 ||
	    view_ours(where, "certificate", k->cert) == -1)
		rv = -1;
	if (k->staple != NULL &&
	    view_readable(where, "OCSP staple", k->staple) == -1)
		rv = -1;
	return rv;
}

static void
try_tls(const struct conf *conf, const char *where, const struct keypair *k)
{
	struct tls *server;
	char err[512];

	if ((server = tls_setup(conf->file, k, 1, err, sizeof(err))) == NULL)
		(void)tell_wrong(
		    "%s; does the key belong to the certificate?", err);
	else
		check_expiry(where, k, expiry(server));
	tls_free(server);
}

/* Returns what is in it, or NULL when there was no use in reading on. */
static struct certificate *
check_keypair(const struct conf *conf, const struct keypair *k)
{
	char where[CONF_PLACE_SIZE];
	struct certificate *c = NULL;
	int more_rights;

	snprintf(where, sizeof(where), "%s:%d", conf->file, k->line);
	if ((more_rights = check_files(where, k)) == -1)
		return NULL;
	if (more_rights)
		view_leave();
	if ((c = certificate_read(where, k)) != NULL &&
	    certificate_check(c, where, k) == -1) {
		certificate_free(c);
		c = NULL;
	}
	if (c != NULL)
		try_tls(conf, where, k);
	if (more_rights)
		view_enter();
	return c;
}

/* A client that asks for hostname is to get a certificate that has it. */
static void
check_hostname(const struct conf *conf, struct certificate *const *all)
{
	const struct keypair *k = conf->keypair;
	size_t i;

	for (i = 0; i < conf->nkeypair; i++)
		if (all[i] == NULL ||
		    certificate_names(all[i], conf->hostname))
			return; /* or it cannot be told */
	(void)tell_wrong("%s:%d: the certificate %s is not for %s, which is "
	    "the hostname; get one that is, or change hostname", conf->file,
	    k->line, k->cert, conf->hostname);
}

/* Of several with one name the first is served, always. */
static void
check_twice(const struct conf *conf, struct certificate *const *all, size_t n)
{
	char name[256], where[CONF_PLACE_SIZE];
	size_t i;

	for (i = 0; i < n; i++)
		if (all[i] != NULL && all[n] != NULL &&
		    certificate_same_name(
			all[n], all[i], name, sizeof(name))) {
			snprintf(where, sizeof(where), "%s:%d", conf->file,
			    conf->keypair[n].line);
			tell_warning(where, "the certificate %s is for %s, "
			    "as that of line %d is, and only one of them is "
			    "ever served; remove the other",
			    conf->keypair[n].cert, name,
			    conf->keypair[i].line);
			return;
		}
}

void
keypairs_check(const struct conf *conf)
{
	struct certificate *all[CONF_KEYPAIRS_MAX] = { NULL };
	size_t i;

	if (conf->nkeypair == 0) {
		(void)tell_wrong("%s: there is no keypair; add: keypair "
		    "CERTIFICATE KEY", conf->file);
		return;
	}
	view_enter();
	for (i = 0; i < conf->nkeypair; i++)
		all[i] = check_keypair(conf, &conf->keypair[i]);
	view_leave();
	check_hostname(conf, all);
	for (i = 1; i < conf->nkeypair; i++)
		check_twice(conf, all, i);
	for (i = 0; i < conf->nkeypair; i++)
		certificate_free(all[i]);
}
