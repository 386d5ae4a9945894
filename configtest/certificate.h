/*
 * What is in the files of a keypair, by libcrypto: what libtls would take and
 * clients would not, and in plain words what libtls would not take.
 */
#ifndef CONFIGTEST_CERTIFICATE_H
#define CONFIGTEST_CERTIFICATE_H

#include "common/conf.h"

struct certificate; /* a file's certificates, the first one first */

/*
 * Reads both files of a keypair.  Returns NULL after a line when they are not
 * a certificate and its key in PEM; certificate_free() it.
 */
struct certificate *certificate_read(
    const char *where, const struct keypair *k);
void certificate_free(struct certificate *c);

/*
 * Order, chain, times, stapling: a line for each thing that is wrong.  Returns
 * -1 if the first one cannot be the server's, so that TLS would fail; else 0.
 */
int certificate_check(
    const struct certificate *c, const char *where, const struct keypair *k);

/* Is it for that name?  1 or 0. */
int certificate_names(const struct certificate *c, const char *name);

/*
 * The first name of a that b is for as well, in name of size octets.
 * Returns 1 if there is one, else 0.
 */
int certificate_same_name(const struct certificate *a,
    const struct certificate *b, char *name, size_t size);

#endif
