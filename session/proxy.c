#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdlib.h>
#include <string.h>

#include "common/network.h"
#include "session/proxy.h"

#define V1_BEGIN     "PROXY "
#define V2_SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V2_SIGNATURE_OCTETS 12

/* Both addresses and both ports of version 2, in octets. */
#define V2_INET	 12
#define V2_INET6 36
#define V2_UNIX	 216

static int
wrong(struct proxy_claim *c, const char *what)
{
	c->wrong = what;
	return -1;
}

/* An address of the one kind or the other; returns 0 or -1. */
static int
read_address(const char *text, int v6, struct network *n)
{
	return (strchr(text, ':') != NULL) != v6 ||
		strchr(text, '/') != NULL ?
	    -1 :
	    network_parse(n, text);
}

static int
is_port(const char *text)
{
	const char *bad;

	if (text[0] < '0' || text[0] > '9' ||
	    (text[0] == '0' && text[1] != '\0'))
		return 0;
	(void)strtonum(text, 0, 65535, &bad);
	return bad == NULL;
}

/* The four words behind TCP4 or TCP6. */
static int
parse_v1_addresses(char *line, int v6, struct proxy_claim *c)
{
	struct network client, server;
	const char *word[4];
	size_t i;

	for (i = 0; i < 4; i++)
		if ((word[i] = strsep(&line, " ")) == NULL)
			return wrong(c, "a word is missing");
	if (line != NULL)
		return wrong(c, "there is more than it should have");
	if (read_address(word[0], v6, &client) == -1 ||
	    read_address(word[1], v6, &server) == -1)
		return wrong(c, "not an address");
	if (!is_port(word[2]) || !is_port(word[3]))
		return wrong(c, "not a port");
	(void)network_text(&client, c->peer);
	return 0;
}

/* The line without its CRLF. */
static int
parse_v1(char *line, struct proxy_claim *c)
{
	const char *family;

	line += strlen(V1_BEGIN);
	family = strsep(&line, " ");
	if (strcmp(family, "UNKNOWN") == 0)
		return 0; /* whatever follows */
	if (line == NULL ||
	    (strcmp(family, "TCP4") != 0 && strcmp(family, "TCP6") != 0))
		return wrong(c, "neither TCP4, TCP6 nor UNKNOWN");
	return parse_v1_addresses(line, family[3] == '6', c);
}

static int
take_v1(struct stream *s, struct proxy_claim *c, char *line)
{
	size_t n;

	for (n = 1; n < PROXY_V1_MAX; n++) {
		if (stream_read_plain(s, line + n, 1) == -1)
			return -1;
		if (n < strlen(V1_BEGIN) && line[n] != V1_BEGIN[n])
			return wrong(c, "not a PROXY header");
		if (line[n] == '\0')
			return wrong(c, "it has a NUL");
		if (line[n] != '\n')
			continue;
		if (line[n - 1] != '\r')
			return wrong(c, "the line does not end in CRLF");
		line[n - 1] = '\0';
		return parse_v1(line, c);
	}
	return wrong(c, "the line is too long");
}

/* Types and lengths of what follows the addresses have to fit in. */
static int
check_tlvs(const unsigned char *at, size_t left, struct proxy_claim *c)
{
	size_t len;

	while (left > 0) {
		if (left < 3)
			return wrong(c, "its end is cut off");
		len = 3 + ((size_t)at[1] << 8 | at[2]);
		if (len > left)
			return wrong(c, "it is longer than it says");
		at += len;
		left -= len;
	}
	return 0;
}

/* As many octets of addresses as the family has; 0: it has none; or -1. */
static int
v2_addresses(unsigned char family)
{
	switch (family) {
	case 0x00: /* unspecified */
		return 0;
	case 0x11: /* TCP, and the same over UDP */
	case 0x12:
		return V2_INET;
	case 0x21:
	case 0x22:
		return V2_INET6;
	case 0x31:
	case 0x32:
		return V2_UNIX;
	default:
		return -1;
	}
}

static int
parse_v2(const unsigned char *head, size_t len, struct proxy_claim *c)
{
	const unsigned char *at = head + PROXY_V2_MIN;
	const int v6 = head[13] == 0x21, octets = v2_addresses(head[13]);
	char text[INET6_ADDRSTRLEN];
	struct network client;

	if (head[12] == 0x20) /* LOCAL: the rest does not matter */
		return 0;
	if (octets == -1)
		return wrong(c, "not a family of addresses");
	if (octets == 0)
		return 0;
	if ((size_t)octets > len)
		return wrong(c, "it has no room for its addresses");
	if (check_tlvs(at + octets, len - (size_t)octets, c) == -1)
		return -1;
	if (head[13] != 0x11 && !v6)
		return 0;
	if (inet_ntop(v6 ? AF_INET6 : AF_INET, at, text, sizeof(text)) ==
		NULL ||
	    read_address(text, v6, &client) == -1)
		return wrong(c, "not an address");
	(void)network_text(&client, c->peer);
	return 0;
}

static int
take_v2(struct stream *s, struct proxy_claim *c, unsigned char *head)
{
	size_t n, len;

	for (n = 1; n < V2_SIGNATURE_OCTETS; n++) {
		if (stream_read_plain(s, head + n, 1) == -1)
			return -1;
		if (head[n] != (unsigned char)V2_SIGNATURE[n])
			return wrong(c, "not a PROXY header");
	}
	if (stream_read_plain(s, head + n, PROXY_V2_MIN - n) == -1)
		return -1;
	if (head[12] != 0x20 && head[12] != 0x21)
		return wrong(c, "not a version or command that is known");
	len = (size_t)head[14] << 8 | head[15];
	if (len > PROXY_V2_MAX - PROXY_V2_MIN)
		return wrong(c, "it is too long");
	if (stream_read_plain(s, head + PROXY_V2_MIN, len) == -1)
		return -1;
	return parse_v2(head, len, c);
}

int
proxy_take(struct stream *s, struct proxy_claim *c)
{
	unsigned char head[PROXY_V2_MAX];
	char line[PROXY_V1_MAX];

	memset(c, 0, sizeof(*c));
	if (stream_read_plain(s, head, 1) == -1)
		return -1;
	c->began = 1;
	line[0] = (char)head[0];
	if (line[0] == V1_BEGIN[0])
		return take_v1(s, c, line);
	if (line[0] == V2_SIGNATURE[0])
		return take_v2(s, c, head);
	return wrong(c, "not a PROXY header");
}
