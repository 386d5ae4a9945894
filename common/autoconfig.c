#include <stdio.h>
#include <string.h>

#include "common/autoconfig.h"
#include "common/xml.h"

static void
element(const char *name, const char *text)
{
	printf("      <%s>", name);
	xml_text(text);
	printf("</%s>\n", name);
}

static void
print_server(const struct self_server *s, const char *user)
{
	element("hostname", s->host);
	printf("      <port>%u</port>\n", s->port);
	element("socketType", s->starttls ? "STARTTLS" : "SSL");
	element("authentication", "password-cleartext");
	element("username", user);
}

/* A local part may have another @ in it, a domain has none. */
void
autoconfig_print(const struct self_client *c, const char *address)
{
	const char *at = strrchr(address, '@');
	const char *domain = at == NULL ? c->incoming.host : at + 1;
	const char *user = address[0] == '@' ? "%EMAILADDRESS%" : address;
	uint32_t i;

	puts("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
	printf("<clientConfig version=\"1.1\">\n"
	       "  <emailProvider id=\"%s\">\n"
	       "    <domain>%s</domain>\n"
	       "    <displayName>%s</displayName>\n"
	       "    <incomingServer type=\"pop3\">\n",
	    domain, domain, domain);
	print_server(&c->incoming, user);
	puts("    </incomingServer>");
	for (i = 0; i < c->noutgoing && i < SELF_OUTGOING; i++) {
		puts("    <outgoingServer type=\"smtp\">");
		print_server(&c->outgoing[i], user);
		puts("    </outgoingServer>");
	}
	puts("  </emailProvider>\n</clientConfig>");
}
