#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "configtest/certificate.h"
#include "configtest/tell.h"

#define CHAIN_MAX    10
#define FILE_MAX     (256 * 1024)
#define TLS_FEATURES "1.3.6.1.5.5.7.1.24" /* RFC 7633 */

struct certificate {
	X509 *x[CHAIN_MAX]; /* the server's, and its chain */
	int n;
};

/* The file's beginning, as a string, to be freed; NULL: none. */
static char *
read_text(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t len;

	if (f == NULL)
		return NULL;
	if ((text = malloc(FILE_MAX + 1)) != NULL) {
		len = fread(text, 1, FILE_MAX, f);
		text[len] = '\0';
	}
	fclose(f);
	return text;
}

static int
is_der(const char *path)
{
	BIO *file = BIO_new_file(path, "r");
	X509 *x = NULL;

	if (file != NULL)
		x = d2i_X509_bio(file, NULL);
	X509_free(x);
	BIO_free(file);
	return x != NULL;
}

static int
check_key(const char *where, const struct keypair *k)
{
	char *text = read_text(k->key);
	int rv = 0;

	if (text == NULL)
		return tell_wrong("%s: key %s cannot be read", where, k->key);
	if (strstr(text, "PRIVATE KEY-----") == NULL)
		rv = tell_wrong("%s: key %s has no key in PEM; %s", where,
		    k->key, strstr(text, "BEGIN CERTIFICATE") != NULL ?
		    "it has a certificate: swap the two files" :
		    "openssl pkey -inform der makes it of one in DER");
	else if (strstr(text, "ENCRYPTED") != NULL)
		rv = tell_wrong("%s: key %s is encrypted, and nobody is there "
		    "to type its passphrase; openssl pkey -in %s -out a new "
		    "file makes one without", where, k->key, k->key);
	explicit_bzero(text, strlen(text));
	free(text);
	return rv;
}

static struct certificate *
read_chain(const char *path)
{
	struct certificate *c = calloc(1, sizeof(*c));
	BIO *file = BIO_new_file(path, "r");
	X509 *x;

	while (c != NULL && file != NULL && c->n < CHAIN_MAX &&
	    (x = PEM_read_bio_X509(file, NULL, NULL, NULL)) != NULL)
		c->x[c->n++] = x;
	BIO_free(file);
	return c;
}

struct certificate *
certificate_read(const char *where, const struct keypair *k)
{
	struct certificate *c = read_chain(k->cert);
	char *text = read_text(k->cert);
	const char *mend = "is it the right file?";
	int bad = check_key(where, k) == -1;

	if (c == NULL || c->n == 0) {
		if (text != NULL && strstr(text, "PRIVATE KEY-----") != NULL)
			mend = "it has a key: swap the two files";
		else if (is_der(k->cert))
			mend = "it is DER: openssl x509 -inform der -in it "
			    "-out a new file";
		bad = 1;
		(void)tell_wrong("%s: certificate %s has no certificate in "
		    "PEM; %s", where, k->cert, mend);
	}
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
	if (!bad)
		return c;
	certificate_free(c);
	return NULL;
}

void
certificate_free(struct certificate *c)
{
	if (c == NULL)
		return;
	while (c->n > 0)
		X509_free(c->x[--c->n]);
	free(c);
}

static int
issued(X509 *issuer, X509 *subject)
{
	return X509_check_issued(issuer, subject) == X509_V_OK;
}

/* What a client with the system's authorities finds: X509_V_... */
static int
verify(const struct certificate *c)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	int i, result = X509_V_OK;

	if (store != NULL && ctx != NULL && chain != NULL &&
	    X509_STORE_set_default_paths(store) == 1) {
		for (i = 1; i < c->n; i++)
			(void)sk_X509_push(chain, c->x[i]);
		if (X509_STORE_CTX_init(ctx, store, c->x[0], chain) == 1 &&
		    X509_verify_cert(ctx) != 1)
			result = X509_STORE_CTX_get_error(ctx);
	}
	sk_X509_free(chain);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return result;
}

static int
check_chain(
    const struct certificate *c, const char *where, const struct keypair *k)
{
	int i, result;

	for (i = 0; i + 1 < c->n; i++)
		if (!issued(c->x[i + 1], c->x[i])) {
			(void)tell_wrong("%s: certificate %s: number %d did "
			    "not issue number %d; the server's goes first, "
			    "and then whoever issued the one before", where,
			    k->cert, i + 2, i + 1);
			return X509_check_ca(c->x[0]) > 0 ? -1 : 0;
		}
	result = verify(c);
	if (result == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	    result == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
	    result == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE)
		tell_warning(where, "certificate %s: its chain does not lead "
		    "to an authority that this system knows; unless yours is "
		    "private, use the file with the whole chain "
		    "(fullchain.pem)", k->cert);
	return 0;
}

static int
must_be_stapled(X509 *x)
{
	ASN1_OBJECT *features = OBJ_txt2obj(TLS_FEATURES, 1);
	int found;

	found = features != NULL && X509_get_ext_by_OBJ(x, features, -1) >= 0;
	ASN1_OBJECT_free(features);
	return found;
}

int
certificate_check(
    const struct certificate *c, const char *where, const struct keypair *k)
{
	time_t now = time(NULL);
	int rv = check_chain(c, where, k);

	if (X509_cmp_time(X509_get0_notBefore(c->x[0]), &now) > 0)
		(void)tell_wrong("%s: the certificate %s is not valid yet; "
		    "look at this system's clock", where, k->cert);
	if (k->staple == NULL && must_be_stapled(c->x[0]))
		(void)tell_wrong("%s: the certificate %s must be stapled; "
		    "name a file with an OCSP response as the third word",
		    where, k->cert);
	return rv;
}

int
certificate_names(const struct certificate *c, const char *name)
{
	return X509_check_host(c->x[0], name, 0, 0, NULL) == 1;
}

int
certificate_same_name(const struct certificate *a,
    const struct certificate *b, char *name, size_t size)
{
	GENERAL_NAMES *all =
	    X509_get_ext_d2i(a->x[0], NID_subject_alt_name, NULL, NULL);
	const GENERAL_NAME *one;
	int i, found = 0;

	for (i = 0; !found && i < sk_GENERAL_NAME_num(all); i++) {
		one = sk_GENERAL_NAME_value(all, i);
		if (one->type != GEN_DNS)
			continue;
		(void)strlcpy(name, (const char *)ASN1_STRING_get0_data(
		    one->d.dNSName), size);
		found = certificate_names(b, name);
	}
	GENERAL_NAMES_free(all);
	return found;
}
