#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/network.h"

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

/* ::ffff:192.0.2.0/120 is 192.0.2.0/24. */
static void
unmap(struct network *n)
{
	if (n->family != 6 || n->prefix < 96 ||
	    memcmp(n->address, mapped, sizeof(mapped)) != 0)
		return;
	n->family = 4;
	n->prefix -= 96;
	memmove(n->address, n->address + sizeof(mapped), 4);
	memset(n->address + 4, 0, sizeof(n->address) - 4);
}

static void
clear_behind_prefix(struct network *n)
{
	size_t i;

	for (i = 0; i < sizeof(n->address); i++)
		if (i * 8 >= n->prefix)
			n->address[i] = 0;
		else if (n->prefix - i * 8 < 8)
			n->address[i] &=
			    (unsigned char)(0xff00 >> (n->prefix - i * 8));
}

int
network_parse(struct network *n, const char *text)
{
	struct network new = { 0 };
	char address[INET6_ADDRSTRLEN];
	const char *bad = NULL, *slash = strchr(text, '/');
	size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
	unsigned char largest;

	if (len >= sizeof(address))
		return -1;
	memcpy(address, text, len);
	address[len] = '\0';
	new.family = strchr(address, ':') == NULL ? 4 : 6;
	largest = new.prefix = new.family == 4 ? 32 : 128;
	if (inet_pton(new.family == 4 ? AF_INET : AF_INET6, address,
		new.address) != 1)
		return -1;
	if (slash != NULL && (slash[1] < '0' || slash[1] > '9'))
		return -1;
	if (slash != NULL)
		new.prefix =
		    (unsigned char)strtonum(slash + 1, 0, largest, &bad);
	if (bad != NULL)
		return -1;
	clear_behind_prefix(&new);
	unmap(&new);
	*n = new;
	return 0;
}

char *
network_text(const struct network *n, char text[NETWORK_TEXT_SIZE])
{
	char address[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(n->family == 4 ? AF_INET : AF_INET6, n->address,
	    address, sizeof(address));
	if (n->prefix == (n->family == 4 ? 32 : 128))
		snprintf(text, NETWORK_TEXT_SIZE, "%s", address);
	else
		snprintf(text, NETWORK_TEXT_SIZE, "%s/%u", address,
		    (unsigned int)n->prefix);
	return text;
}

int
network_around(
    struct network *n, const char *address, int bits_4, int bits_6)
{
	struct network new;

	if (strchr(address, '/') != NULL || network_parse(&new, address) == -1)
		return -1;
	new.prefix = (unsigned char)(new.family == 4 ? bits_4 : bits_6);
	clear_behind_prefix(&new);
	*n = new;
	return 0;
}

static int
is_within(const struct network *inner, const struct network *outer)
{
	struct network cut = *inner;

	if (inner->family != outer->family || inner->prefix < outer->prefix)
		return 0;
	cut.prefix = outer->prefix;
	clear_behind_prefix(&cut);
	return memcmp(cut.address, outer->address, sizeof(cut.address)) == 0;
}

int
network_has(const struct network *networks, size_t count, const char *address)
{
	char text[INET6_ADDRSTRLEN];
	const size_t len = strcspn(address, "%");
	struct network single;
	size_t i;

	if (len >= sizeof(text) || strchr(address, '/') != NULL)
		return 0;
	memcpy(text, address, len);
	text[len] = '\0';
	if (network_parse(&single, text) == -1)
		return 0;
	for (i = 0; i < count; i++)
		if (is_within(&single, &networks[i]))
			return 1;
	return 0;
}
