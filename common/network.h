/*
 * Networks: addresses that begin with the same bits.  Pure computation, in
 * any process and any sandbox.
 *
 * Addresses are text here, as getnameinfo(3) writes them and the log has
 * them.  An IPv4 address within IPv6 (::ffff:192.0.2.1) is the IPv4 address;
 * the scope of a link-local one (fe80::1%em0) does not matter.
 */
#ifndef COMMON_NETWORK_H
#define COMMON_NETWORK_H

#include <stddef.h>

/* With the NUL: an IPv6 address of 45 octets, and "/128". */
#define NETWORK_TEXT_SIZE 50

struct network {
	unsigned char family; /* 4 or 6 */
	unsigned char prefix; /* bits: at most 32 or 128 */
	unsigned char address[16]; /* of family 4 in the first four octets */
};

/*
 * Reads ADDRESS or ADDRESS/BITS; bits of the address behind the prefix are
 * cleared.  Returns 0, or -1 when it is none: n is untouched.
 */
int network_parse(struct network *n, const char *text);

/* The opposite; a single address has no prefix.  Returns text. */
char *network_text(const struct network *n, char text[NETWORK_TEXT_SIZE]);

/*
 * The network that an address lies in, of so many bits where it is IPv4 or
 * IPv6.  Returns 0, or -1 where it is no address: n is untouched.
 */
int network_around(
    struct network *n, const char *address, int bits_4, int bits_6);

/*
 * Is the address in one of count networks?  1 or 0: what is no address
 * ("unknown") is in none.
 */
int network_has(
    const struct network *networks, size_t count, const char *address);

#endif
