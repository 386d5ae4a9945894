/*
 * What the accounts database keeps of one address.
 */
#ifndef AUTH_ACCOUNT_H
#define AUTH_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/network.h"
#include "common/policy.h"

#define HASH_MAX	  383 /* octets */
#define APP_PASSWORDS_MAX 64
#define NETWORKS_MAX	  4 /* of one application password */

enum access { ACCESS_OFF, ACCESS_ALL, ACCESS_FROM_NOW };

struct app_password {
	char label[LABEL_MAX + 1];
	int64_t created;	  /* seconds since the epoch */
	int64_t expires;	  /* the same, or FOR_EVER */
	enum service services;	  /* what it is good for */
	int read_only;		  /* nothing may be deleted with it */
	unsigned char digest[32]; /* SHA-256 of the normalized password */
	size_t nnetwork;	  /* 0: it is good from everywhere */
	struct network network[NETWORKS_MAX];
};

/*
 * An account; or an alias, another name of one: then alias_of says whose,
 * and all but that and address is empty.
 */
struct account {
	char address[ADDRESS_MAX + 1];	/* lower case */
	char alias_of[ADDRESS_MAX + 1]; /* lower case; empty: an account */
	char hash[HASH_MAX + 1];	/* crypt(3)'s; empty: no password */
	char maildir[MAILDIR_MAX + 1];	/* absolute */
	uid_t uid;			/* the mailbox's owner, never 0 */
	gid_t gid;
	enum access access;
	struct policy policy; /* from_now counts with ACCESS_FROM_NOW only */
	int two_factor;
	int send;	    /* may send mail */
	int self_service;   /* may change settings of its own */
	int64_t generation; /* every change of a password raises it */
	size_t napp;
	struct app_password app[APP_PASSWORDS_MAX];
};

#endif
