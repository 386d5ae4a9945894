/*
 * What proves, beside a password, that somebody who changes settings is the
 * account's user: the secret of two-factor with the last step that was used,
 * recovery codes, an invitation.
 *
 * A file for each account that has any of it, root's and mode 0600, in the
 * directory "factors" beside the accounts; its name is the SHA-256 of the
 * address.  pop3d and pop3sasl never open one.  A change makes a new file and
 * renames it; who changes one has the lock of them all meanwhile.
 *
 * Those that have err return 0, or -1 with a sentence in it.
 */
#ifndef AUTH_FACTORS_H
#define AUTH_FACTORS_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/digest.h"
#include "common/policy.h"

#define TOTP_OCTETS    20 /* of a secret: RFC 4226, 4 (R6) */
#define RECOVERY_CODES 10

/* Symbols (symbols.h): 60 and 120 bits. */
#define RECOVERY_SYMBOLS   12
#define INVITATION_SYMBOLS 24

/* Times are seconds since the epoch, and 0 where there is no such thing. */
struct factors {
	int64_t signed_out; /* ms: whoever signed in before is signed out */
	int has_secret;
	unsigned char secret[TOTP_OCTETS];
	uint64_t step; /* the last one that was used, or passed */
	int64_t pending; /* since when the next one waits to be confirmed */
	unsigned char pending_secret[TOTP_OCTETS];
	size_t nrecovery; /* that are left, and their digests */
	unsigned char recovery[RECOVERY_CODES][DIGEST_OCTETS];
	int64_t invited; /* the invitation is good until then */
	unsigned char invitation[DIGEST_OCTETS];
	int64_t tries_since; /* from then on, codes and wrong passwords */
	uint32_t tries;
};

/* So many of these are looked at, and how long after the first again. */
#define TRIES	      10
#define TRIES_SECONDS 600

/* May another one be tried now (seconds since the epoch)?  Pure computation. */
int factors_may_try(const struct factors *f, int64_t now);

/* One more was. */
void factors_count_try(struct factors *f, int64_t now);

#define FACTORS_OCTETS 1024 /* of a file; room is left, zeroes */

enum factors_result {
	FACTORS_GOOD,
	FACTORS_NEWER,	/* a version that is not known here */
	FACTORS_DAMAGED /* or of another address */
};

/* The octets of a file, of which address is a part.  Pure computation. */
void factors_encode(const struct factors *f, const char *address,
    unsigned char octets[FACTORS_OCTETS]);
enum factors_result factors_decode(struct factors *f, const char *address,
    const unsigned char *octets, size_t len);

/*
 * The directory, for the accounts at that path, and the file of an address,
 * in lower case.
 */
int factors_path(const char *accounts, const char *address,
    char path[PATH_MAX], char *err, size_t errsize);

/*
 * Makes the directory where it is missing; as root.  Nothing else does.
 */
int factors_prepare(const char *accounts, char *err, size_t errsize);

/*
 * Opens the file of an address to be read: *fd is the caller's, and -1 where
 * it has none.  factors_read() takes what it has from the beginning; from -1,
 * none.
 */
int factors_open(const char *accounts, const char *address, int *fd,
    char *err, size_t errsize);
int factors_read(int fd, const char *address, struct factors *f, char *err,
    size_t errsize);

/* A change: begin, which waits for others, and then commit or abandon. */
struct factors_edit {
	int lock;
	char path[PATH_MAX];
	char address[ADDRESS_MAX + 1];
};

int factors_edit_begin(struct factors_edit *e, const char *accounts,
    const char *address, struct factors *f, char *err, size_t errsize);
int factors_edit_commit(struct factors_edit *e, const struct factors *f,
    char *err, size_t errsize);
void factors_edit_abandon(struct factors_edit *e);

/*
 * Takes away what an account has that was deleted, or is about to be made;
 * and gives what an account has to its other address, too, before it has that.
 */
int factors_remove(const char *accounts, const char *address, char *err,
    size_t errsize);
int factors_copy(const char *accounts, const char *old, const char *new,
    char *err, size_t errsize);

#endif
