/*
 * pop3ctl client-settings: what a user types into a mail client, and the
 * autoconfig XML that a client reads by itself.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

#define PORT_POP3S 995 /* RFC 8314, 3.3 */

static const char *
password_kind(const struct account *a)
{
	return a->two_factor || a->hash[0] == '\0' ? "an application password"
						   : "the account's password";
}

static void
row(const char *name, const char *value)
{
	printf("  %-15s %s\n", name, value);
}

static void
print_table(const struct conf *conf, const struct account *a)
{
	const struct outgoing *o;
	size_t i;

	puts("Incoming mail (POP3)");
	row("server", conf->hostname);
	printf("  %-15s %d\n", "port", PORT_POP3S);
	row("security", "SSL/TLS (required)");
	row("user name", a->address);
	row("password", password_kind(a));
	for (i = 0; i < conf->noutgoing; i++) {
		o = &conf->outgoing[i];
		printf(
		    "\nOutgoing mail (SMTP)%s\n", i > 0 ? ", another way" : "");
		row("server", o->host);
		printf("  %-15s %d\n", "port", o->port);
		row("security",
		    o->starttls ? "TLS by STARTTLS (required)"
				: "SSL/TLS (required)");
		row("authentication", "required");
		row("user name", a->address);
		row("password", password_kind(a));
	}
}

/* An address may have an ampersand or an apostrophe in it. */
static void
xml_text(const char *s)
{
	for (; *s != '\0'; s++)
		switch (*s) {
		case '&':
			fputs("&amp;", stdout);
			break;
		case '<':
			fputs("&lt;", stdout);
			break;
		case '>':
			fputs("&gt;", stdout);
			break;
		default:
			putchar(*s);
		}
}

static void
xml_element(const char *name, const char *text)
{
	printf("      <%s>", name);
	xml_text(text);
	printf("</%s>\n", name);
}

static void
xml_server(const char *host, int port, int starttls, const char *user)
{
	xml_element("hostname", host);
	printf("      <port>%d</port>\n", port);
	xml_element("socketType", starttls ? "STARTTLS" : "SSL");
	xml_element("authentication", "password-cleartext");
	xml_element("username", user);
}

static void
print_xml(const struct conf *conf, const struct account *a)
{
	const char *domain = strrchr(a->address, '@') + 1;
	const struct outgoing *o;
	size_t i;

	puts("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
	printf("<clientConfig version=\"1.1\">\n"
	       "  <emailProvider id=\"%s\">\n"
	       "    <domain>%s</domain>\n"
	       "    <displayName>%s</displayName>\n"
	       "    <incomingServer type=\"pop3\">\n",
	    domain, domain, domain);
	xml_server(conf->hostname, PORT_POP3S, 0, a->address);
	puts("    </incomingServer>");
	for (i = 0; i < conf->noutgoing; i++) {
		o = &conf->outgoing[i];
		puts("    <outgoingServer type=\"smtp\">");
		xml_server(o->host, o->port, o->starttls, a->address);
		puts("    </outgoingServer>");
	}
	puts("  </emailProvider>\n</clientConfig>");
}

int
ctl_client_settings(const struct args *args)
{
	static struct account account;
	const struct conf *conf = args->conf;
	int status;

	if ((status = ctl_account(conf, args->word[0], &account)) != CTL_GOOD)
		return status;
	if (args->option['x'] != NULL)
		print_xml(conf, &account);
	else
		print_table(conf, &account);
	if (conf->noutgoing == 0)
		fprintf(stderr,
		    "pop3ctl: no outgoing server is configured; "
		    "add to %s: outgoing HOST 465 tls\n",
		    conf->file);
	return CTL_GOOD;
}
