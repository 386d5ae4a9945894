/*
 * What a mailbox's journal knows of those who logged in: the last use of each
 * label, the last visit to the page (pop3web), and the networks that mail
 * programs came from.  It is what a journal that is begun
 * anew begins with.  Pure computation, in bounded memory: of more than these,
 * what was used longest ago is forgotten.
 */
#ifndef STORE_KNOWN_H
#define STORE_KNOWN_H

#include "common/clock.h"
#include "common/network.h"
#include "common/policy.h"
#include "store/journal_line.h"

#define KNOWN_LABELS   128 /* an account has 64, and had others */
#define KNOWN_NETWORKS 32

struct known_label {
	char label[LABEL_MAX + 1]; /* "": the account's own password; and
				      of the page */
	char time[CLOCK_TEXT_SIZE];
	char peer[PEER_MAX + 1];
	char service[8];
	int revoked; /* since then: what has that label now is another one */
};

struct known_network {
	char network[NETWORK_TEXT_SIZE];
	char time[CLOCK_TEXT_SIZE];
};

/* The one that was used last is the last one. */
struct known {
	size_t nlabel, nnetwork;
	struct known_label label[KNOWN_LABELS];
	struct known_network network[KNOWN_NETWORKS];
};

/* Takes note of a line; of lines in their order.  All zeroes at first. */
void known_note(struct known *k, const struct journal_line *line);

/* Writes what is known as lines, which tell known_note() all of it again. */
void known_write(const struct known *k, struct journal_text *t);

/* Is it who signed in to the page, and no mail program? */
int known_is_page(const struct known_label *l);

/*
 * Is this label, not revoked since, or the network of this address, among
 * them?  What is no address has no network that could be new: it is.
 */
int known_has_label(const struct known *k, const char *label);
int known_has_network(const struct known *k, const char *peer);

/*
 * The network of an address: /24, or /48 of IPv6.  Returns 0, or -1 where
 * it is no address.
 */
int known_network_of(const char *peer, char text[NETWORK_TEXT_SIZE]);

#endif
