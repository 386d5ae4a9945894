/*
 * The PROXY protocol, versions 1 and 2: what a proxy says before TLS of the
 * client it speaks for.  (HAProxy's doc/proxy-protocol.txt, sections 2.1 and
 * 2.2.)
 *
 * The session process, in its sandbox.  It takes not one octet more than the
 * header has, so that TLS begins where it should.  What it finds is a claim:
 * whether that counts is auth's to decide.
 */
#ifndef SESSION_PROXY_H
#define SESSION_PROXY_H

#include "common/policy.h"
#include "session/stream.h"

#define PROXY_V1_MAX 107 /* octets of a header, CRLF counted */
#define PROXY_V2_MIN 16
#define PROXY_V2_MAX (PROXY_V2_MIN + 536)

struct proxy_claim {
	/* The client's address; empty: none is named, as in health checks. */
	char peer[PEER_MAX + 1];
	/* What is wrong with the header; NULL: nothing, as far as it came. */
	const char *wrong;
	int began; /* at least one octet of it came */
};

/*
 * Takes the header from s, for which stream_open() has been called.  Returns
 * 0; or -1 when there is none, with c->wrong or s->reason set.
 */
int proxy_take(struct stream *s, struct proxy_claim *c);

#endif
