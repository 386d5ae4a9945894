#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "configtest/certificate.h"
#include "configtest/tell.h"

#define CHAIN_MAX    10
#define FILE_MAX     (256 * 1024)
#define TLS_FEATURES "1.3.6.1.5.5.7.1.24" /* RFC 7633 */

/* LibreSSL's newer way looks at nothing more where an issuer is unknown. */
#ifdef X509_V_FLAG_LEGACY_VERIFY
#define LOOK_AT_ALL X509_V_FLAG_LEGACY_VERIFY
#else
#define LOOK_AT_ALL 0
#endif

struct certificate {
	X509 *x[CHAIN_MAX]; /* the server's, and its chain */
	int n;
};

/* What a client would say of a chain. */
struct finding {
	int unknown; /* nobody whom it knows has issued the last one */
	int error;   /* X509_V_..., other than that; 0: none */
	int number;  /* in the chain, from 1 */
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

/* An empty file is what libtls takes for none. */
static int
check_staple(const char *where, const struct keypair *k)
{
	OCSP_RESPONSE *response = NULL;
	BIO *file;

	if (k->staple == NULL)
		return 0;
	if ((file = BIO_new_file(k->staple, "r")) != NULL)
		response = d2i_OCSP_RESPONSE_bio(file, NULL);
	BIO_free(file);
	if (response == NULL)
		return tell_wrong("%s: OCSP staple %s has no OCSP response in "
		    "DER; is it the right file?", where, k->staple);
	OCSP_RESPONSE_free(response);
	return 0;
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
	struct stat st;
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
	else if (text != NULL &&
	    strstr(text, "PRIVATE KEY-----") != NULL &&
	    stat(k->cert, &st) == 0 &&
	    (st.st_mode & (S_IRGRP | S_IROTH)) != 0)
		(void)tell_wrong("%s: certificate %s has a key in it, too, and "
		    "can be read by others; take that out, or chmod 0600 %s",
		    where, k->cert, k->cert);
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
	if (!bad && check_staple(where, k) == 0)
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

/* What may be so because an authority is private, or is told elsewhere. */
static int
is_no_matter(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		return 1;
	default:
		return 0;
	}
}

/* All is looked at, also where the chain leads to nobody that is known. */
static int
note_error(int good, X509_STORE_CTX *ctx)
{
	struct finding *f = X509_STORE_CTX_get_ex_data(ctx, 0);
	int error = X509_STORE_CTX_get_error(ctx);

	if (good || f == NULL || is_no_matter(error))
		return 1;
	if (error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
	    error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
	    error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE)
		f->unknown = 1;
	else if (f->error == 0) {
		f->error = error;
		f->number = X509_STORE_CTX_get_error_depth(ctx) + 1;
	}
	return 1;
}

/* What a client with the system's authorities finds. */
static void
verify(const struct certificate *c, struct finding *f)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	int i;

	if (store != NULL && ctx != NULL && chain != NULL &&
	    X509_STORE_set_default_paths(store) == 1) {
		for (i = 1; i < c->n; i++)
			(void)sk_X509_push(chain, c->x[i]);
		if (X509_STORE_CTX_init(ctx, store, c->x[0], chain) == 1) {
			(void)X509_STORE_CTX_set_default(ctx, "ssl_server");
			X509_STORE_CTX_set_flags(ctx, LOOK_AT_ALL);
			(void)X509_STORE_CTX_set_ex_data(ctx, 0, f);
			X509_STORE_CTX_set_verify_cb(ctx, note_error);
			(void)X509_verify_cert(ctx);
		}
	}
	sk_X509_free(chain);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
}

static int
check_chain(
    const struct certificate *c, const char *where, const struct keypair *k)
{
	struct finding f = { 0, 0, 0 };
	int i;

	for (i = 0; i + 1 < c->n; i++)
		if (!issued(c->x[i + 1], c->x[i])) {
			(void)tell_wrong("%s: certificate %s: number %d did "
			    "not issue number %d; the server's goes first, "
			    "and then whoever issued the one before", where,
			    k->cert, i + 2, i + 1);
			return X509_check_ca(c->x[0]) > 0 ? -1 : 0;
		}
	verify(c, &f);
	if (f.error != 0)
		(void)tell_wrong("%s: certificate %s: clients refuse it, for "
		    "number %d in its chain: %s; get another", where, k->cert,
		    f.number, X509_verify_cert_error_string(f.error));
	if (f.unknown)
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
	int i, rv = check_chain(c, where, k);

	/* libcrypto does not look where it knows no authority above. */
	for (i = 1; i < c->n; i++)
		if (X509_cmp_time(X509_get0_notAfter(c->x[i]), &now) < 0)
			(void)tell_wrong("%s: certificate %s: number %d in "
			    "its chain has expired; get the chain anew", where,
			    k->cert, i + 1);

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
	/* Clients of today do not look for it in the subject. */
	return X509_check_host(c->x[0], name, 0,
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
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
