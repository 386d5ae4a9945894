/*
 * PROXY headers: any octets are either one or refused, never more of them
 * are taken than a header has, and what is named is an address.  And a
 * header that is made as the protocol has it names the address it was made
 * with.
 */
#include "tests/fuzz/fuzz.h"

#include <sys/socket.h>
#include <netinet/in.h>

#include <arpa/inet.h>

#include "common/network.h"
#include "session/proxy.h"

static struct input client;

int
stream_read_plain(struct stream *s, void *buf, size_t len)
{
	if (len > client.left) {
		s->reason = "disconnected";
		return -1;
	}
	memcpy(buf, client.at, len);
	client.at += len;
	client.left -= len;
	return 0;
}

/* Takes the header at the beginning of data; returns what it took, or 0. */
static size_t
run(const uint8_t *data, size_t size, struct proxy_claim *c)
{
	static struct stream s; /* large */
	char text[NETWORK_TEXT_SIZE];
	struct network n;
	int rv;

	client = (struct input){ data, size };
	s.reason = NULL;
	rv = proxy_take(&s, c);
	MUST(memchr(c->peer, '\0', sizeof(c->peer)) != NULL);
	MUST(c->began == (size > 0));
	if (rv == -1) {
		MUST((c->wrong != NULL) != (s.reason != NULL));
		MUST(c->peer[0] == '\0');
		return 0;
	}
	MUST(rv == 0 && c->wrong == NULL && s.reason == NULL);
	if (c->peer[0] != '\0') {
		MUST(network_parse(&n, c->peer) == 0);
		MUST(strchr(c->peer, '/') == NULL);
		MUST(strcmp(network_text(&n, text), c->peer) == 0);
	}
	return size - client.left;
}

static void
try_octets(const uint8_t *data, size_t size)
{
	struct proxy_claim c;
	size_t took = run(data, size, &c);

	if (took == 0)
		return;
	if (data[0] == 'P') {
		MUST(took <= PROXY_V1_MAX && memcmp(data, "PROXY ", 6) == 0);
		MUST(memchr(data, '\n', took) == data + took - 1);
		MUST(data[took - 2] == '\r');
	} else {
		MUST(took <= PROXY_V2_MAX);
		MUST(took == PROXY_V2_MIN +
			((size_t)data[14] << 8 | data[15]));
	}
}

/* Both versions, with a client's address and a port from the input. */
static void
try_made(struct input *in)
{
	const int v6 = take8(in) % 2;
	const size_t octets = v6 ? 16 : 4;
	uint8_t address[16] = { 0 };
	uint8_t made[PROXY_V2_MAX] = "\r\n\r\n\0\r\nQUIT\n";
	char text[INET6_ADDRSTRLEN], line[PROXY_V1_MAX + 1];
	struct proxy_claim one, two;
	struct network n;
	size_t i;
	int len;

	for (i = 0; i < octets; i++)
		address[i] = (uint8_t)take8(in);
	MUST(inet_ntop(v6 ? AF_INET6 : AF_INET, address, text,
		sizeof(text)) != NULL);
	MUST(network_parse(&n, text) == 0);
	len = snprintf(line, sizeof(line), "PROXY TCP%d %s %s %u 995\r\n",
	    v6 ? 6 : 4, text, text, take8(in));
	MUST(run((uint8_t *)line, (size_t)len, &one) == (size_t)len);
	made[12] = 0x21;
	made[13] = v6 ? 0x21 : 0x11;
	made[15] = (uint8_t)(octets * 2 + 4);
	memcpy(made + 16, address, octets);
	MUST(run(made, sizeof(made), &two) == 16u + made[15]);
	MUST(strcmp(one.peer, two.peer) == 0);
	MUST(strcmp(one.peer, network_text(&n, text)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	if (take8(&in) % 8 == 0)
		try_made(&in);
	else
		try_octets(in.at, in.left);
	return 0;
}
