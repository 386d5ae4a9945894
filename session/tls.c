#include <sys/socket.h>

#include <stdio.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "common/log.h"
#include "session/tls.h"

/*
 * What "secure" admits differs between libraries, static RSA and CBC with
 * one of them: so forward secrecy and AEAD are asked for by name.
 */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

/* Returns the first that cannot be had, or NULL. */
static const struct keypair *
add_keypairs(struct tls_config *config, const struct keypair *k, size_t n)
{
	size_t i;
	int rv;

	for (i = 0; i < n; i++, k++) {
		if (i == 0)
			rv = tls_config_set_keypair_ocsp_file(
			    config, k->cert, k->key, k->staple);
		else
			rv = tls_config_add_keypair_ocsp_file(
			    config, k->cert, k->key, k->staple);
		if (rv == -1)
			return k;
	}
	return NULL;
}

/* Returns what went wrong, or NULL. */
static const char *
configure(struct tls *server, struct tls_config *config)
{
	if (tls_config_set_protocols(
		config, TLS_PROTOCOL_TLSv1_2 | TLS_PROTOCOL_TLSv1_3) == -1 ||
	    tls_config_set_ciphers(config, CIPHERS) == -1)
		return tls_config_error(config);
	if (tls_configure(server, config) == -1)
		return tls_error(server);
	return NULL;
}

#ifdef SSL_OP_CLEANSE_PLAINTEXT
/*
 * OpenSSL keeps what it decrypted, passwords too, until the next record
 * comes, unless told otherwise; and it sends two tickets, for a client to
 * come back with, which no other session knows.  libtls has no word for
 * either; but whoever wants to keep data with a connection is called when one
 * is made.
 */
static void
settle(void *ssl, void *data, CRYPTO_EX_DATA *all, int index, long argl,
    void *argp)
{
	(void)data;
	(void)all;
	(void)index;
	(void)argl;
	(void)argp;
	SSL_set_options(ssl, SSL_OP_CLEANSE_PLAINTEXT);
	SSL_set_num_tickets(ssl, 0);
}
#endif

struct tls *
tls_setup(const char *file, const struct keypair *keypairs, size_t nkeypair,
    char *err, size_t errsize)
{
	struct tls_config *config = tls_config_new();
	struct tls *server = tls_server();
	const struct keypair *bad;
	const char *why;

#ifdef SSL_OP_CLEANSE_PLAINTEXT
	SSL_get_ex_new_index(0, NULL, settle, NULL, NULL);
#endif
	if (config == NULL || server == NULL)
		snprintf(err, errsize, "TLS: out of memory");
	else if (nkeypair == 0)
		snprintf(err, errsize, "%s: there is no keypair; add: keypair "
		    "CERTIFICATE KEY", file);
	else if ((bad = add_keypairs(config, keypairs, nkeypair)) != NULL)
		snprintf(err, errsize, "%s:%d: keypair %s: %s", file,
		    bad->line, bad->cert, tls_config_error(config));
	else if ((why = configure(server, config)) != NULL)
		snprintf(err, errsize, "%s:%d: keypair%s: %s", file,
		    keypairs->line, nkeypair > 1 ? "s" : "", why);
	else {
		tls_config_clear_keys(config);
		tls_config_free(config);
		return server;
	}
	tls_free(server);
	tls_config_free(config);
	return NULL;
}

/* Which of them spoils it all is found out only when something does. */
struct tls *
tls_setup_good(const struct conf *conf, char *err, size_t errsize)
{
	struct tls *server =
	    tls_setup(conf->file, conf->keypair, conf->nkeypair, err, errsize);
	struct keypair good[CONF_KEYPAIRS_MAX];
	size_t i, n = 0;

	if (server != NULL || conf->nkeypair < 2)
		return server;
	for (i = 0; i < conf->nkeypair; i++) {
		server =
		    tls_setup(conf->file, &conf->keypair[i], 1, err, errsize);
		if (server != NULL)
			good[n++] = conf->keypair[i];
		else if (i == 0)
			return NULL;
		else
			log_warn("%s; left out, the others are served", err);
		tls_free(server);
	}
	return tls_setup(conf->file, good, n, err, errsize);
}

/* A client that takes any certificate. */
static struct tls *
undemanding_client(void)
{
	struct tls_config *config = tls_config_new();
	struct tls *client = tls_client();

	if (config != NULL && client != NULL) {
		tls_config_insecure_noverifycert(config);
		tls_config_insecure_noverifyname(config);
		(void)tls_configure(client, config);
	}
	tls_config_free(config);
	return client;
}

/* Neither end waits for the other. */
static void
shake_hands(struct tls *server, struct tls *client, int fd[2])
{
	struct tls *end = NULL;
	int mine = TLS_WANT_POLLIN, its = TLS_WANT_POLLIN;

	if (tls_accept_socket(server, &end, fd[0]) == -1 ||
	    tls_connect_socket(client, fd[1], NULL) == -1)
		its = -1;
	while (mine != -1 && its != -1 && (mine != 0 || its != 0)) {
		its = tls_handshake(client);
		mine = tls_handshake(end);
	}
	tls_free(end);
}

void
tls_warm_up(struct tls *server)
{
	struct tls *client = undemanding_client();
	int fd[2];

	if (client != NULL &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0) {
		shake_hands(server, client, fd);
		close(fd[0]);
		close(fd[1]);
	}
	tls_free(client);
}
