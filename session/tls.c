#include <stdio.h>

#include <openssl/ssl.h>

#include "session/tls.h"

/*
 * What "secure" admits differs between libraries, static RSA and CBC with
 * one of them: so forward secrecy and AEAD are asked for by name.
 */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

static int
add_keypairs(struct tls_config *config, const struct keypair *k, size_t n,
    char *err, size_t errsize)
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
		if (rv == -1) {
			snprintf(err, errsize, "keypair %s: %s", k->cert,
			    tls_config_error(config));
			return -1;
		}
	}
	return 0;
}

static int
configure(struct tls *server, struct tls_config *config, char *err,
    size_t errsize)
{
	if (tls_config_set_protocols(
		config, TLS_PROTOCOL_TLSv1_2 | TLS_PROTOCOL_TLSv1_3) == -1 ||
	    tls_config_set_ciphers(config, CIPHERS) == -1) {
		snprintf(err, errsize, "TLS: %s", tls_config_error(config));
		return -1;
	}
	if (tls_configure(server, config) == -1) {
		snprintf(err, errsize, "TLS: %s", tls_error(server));
		return -1;
	}
	return 0;
}

#ifdef SSL_OP_CLEANSE_PLAINTEXT
/*
 * OpenSSL keeps what it decrypted, passwords too, until the next record
 * comes, unless told otherwise.  libtls has no word for that; but whoever
 * wants to keep data with a connection is called when one is made.
 */
static void
cleanse(void *ssl, void *data, CRYPTO_EX_DATA *all, int index, long argl,
    void *argp)
{
	(void)data;
	(void)all;
	(void)index;
	(void)argl;
	(void)argp;
	SSL_set_options(ssl, SSL_OP_CLEANSE_PLAINTEXT);
}
#endif

struct tls *
tls_setup(const struct keypair *keypairs, size_t nkeypair, char *err,
    size_t errsize)
{
	struct tls_config *config = tls_config_new();
	struct tls *server = tls_server();

#ifdef SSL_OP_CLEANSE_PLAINTEXT
	SSL_get_ex_new_index(0, NULL, cleanse, NULL, NULL);
#endif
	if (config == NULL || server == NULL) {
		snprintf(err, errsize, "TLS: out of memory");
	} else if (add_keypairs(config, keypairs, nkeypair, err, errsize) ==
		0 &&
	    configure(server, config, err, errsize) == 0) {
		tls_config_clear_keys(config);
		tls_config_free(config);
		return server;
	}
	tls_free(server);
	tls_config_free(config);
	return NULL;
}
