/*
 * pop3ctl client-settings: what a user types into a mail client, and what
 * clients read by themselves: autoconfig XML, an Apple profile, the DNS.
 */
#include <stdio.h>
#include <string.h>

#include "common/autoconfig.h"
#include "common/profile.h"
#include "ctl/address.h"
#include "ctl/ctl.h"

/* Whoever of a domain it is: empty but for its address, @DOMAIN. */
static int
is_domain(const struct account *a)
{
	return a->address[0] == '@';
}

static const char *
domain_of(const struct account *a)
{
	return strrchr(a->address, '@') + 1;
}

static const char *
user_name(const struct account *a)
{
	return is_domain(a) ? "the whole address" : a->address;
}

static const char *
password_kind(const struct account *a)
{
	if (is_domain(a))
		return "the account's, or an application password";
	return a->two_factor || a->hash[0] == '\0' ? "an application password"
						   : "the account's password";
}

/* How many ways there are to send mail from this account: send=no, none. */
static size_t
ways_out(const struct conf *conf, const struct account *a)
{
	return is_domain(a) || a->send ? conf->noutgoing : 0;
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
	row("user name", user_name(a));
	row("password", password_kind(a));
	for (i = 0; i < ways_out(conf, a); i++) {
		o = &conf->outgoing[i];
		printf(
		    "\nOutgoing mail (SMTP)%s\n", i > 0 ? ", another way" : "");
		row("server", o->host);
		printf("  %-15s %d\n", "port", o->port);
		row("security",
		    o->starttls ? "TLS by STARTTLS (required)"
				: "SSL/TLS (required)");
		row("authentication", "required");
		row("user name", user_name(a));
		row("password", password_kind(a));
	}
}

static void
set_server(struct self_server *s, const char *host, int port, int starttls)
{
	strlcpy(s->host, host, sizeof(s->host));
	s->port = (uint32_t)port;
	s->starttls = starttls != 0;
}

/* What files are made of, here and in pop3web, with so many ways out. */
static const struct self_client *
servers(const struct conf *conf, size_t ways)
{
	static struct self_client c;
	const struct outgoing *o = conf->outgoing;

	set_server(&c.incoming, conf->hostname, PORT_POP3S, 0);
	for (; c.noutgoing < ways && c.noutgoing < SELF_OUTGOING; o++)
		set_server(&c.outgoing[c.noutgoing++], o->host, o->port,
		    o->starttls);
	return &c;
}

static void
print_xml(const struct conf *conf, const struct account *a)
{
	autoconfig_print(servers(conf, ways_out(conf, a)), a->address);
}

static void
srv(const char *service, const char *domain, int priority, int port,
    const char *host)
{
	printf("_%s._tcp.%s. IN SRV %d 1 %d %s.\n", service, domain, priority,
	    port, host);
}

/* RFC 6186, and RFC 8314, 5.1; a target of "." is a service there is not. */
static void
print_dns(const struct conf *conf, const struct account *a)
{
	const struct outgoing *o;
	int i;

	srv("pop3s", domain_of(a), 0, PORT_POP3S, conf->hostname);
	printf("_pop3._tcp.%s. IN SRV 0 0 0 .\n", domain_of(a));
	for (i = 0; i < (int)conf->noutgoing; i++) {
		o = &conf->outgoing[i];
		srv(o->starttls ? "submission" : "submissions", domain_of(a),
		    i, o->port, o->host);
	}
}

/* An account, or @DOMAIN. */
static int
find(const struct conf *conf, const char *word, struct account *a)
{
	char text[ADDRESS_MAX + 2], err[ERR_SIZE];

	if (word[0] != '@')
		return ctl_account(conf, word, a);
	memset(a, 0, sizeof(*a));
	snprintf(text, sizeof(text), "x%s", word);
	if (address_parse(text, a->address, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	memmove(a->address, a->address + 1, strlen(a->address));
	return CTL_GOOD;
}

int
ctl_client_settings(const struct args *args)
{
	static struct account account;
	const struct conf *conf = args->conf;
	const int xml = args->option['x'] != NULL;
	const int profile = args->option['m'] != NULL;
	const int dns = args->option['s'] != NULL;
	int status;

	if (xml + profile + dns > 1)
		return CTL_USAGE;
	if ((status = find(conf, args->word[0], &account)) != CTL_GOOD)
		return status;
	if (profile && conf->noutgoing == 0)
		return ctl_fail("a profile needs an outgoing server; add to "
		    "%s: outgoing HOST 465 tls", conf->file);
	if (profile && ways_out(conf, &account) == 0)
		return ctl_fail("%s: a profile needs an outgoing server, and "
		    "this account may not send", account.address);
	if (profile)
		profile_print(
		    servers(conf, conf->noutgoing), account.address, NULL);
	else
		(xml ? print_xml : dns ? print_dns : print_table)(
		    conf, &account);
	if (conf->noutgoing == 0)
		fprintf(stderr,
		    "pop3ctl: no outgoing server is configured; "
		    "add to %s: outgoing HOST 465 tls\n",
		    conf->file);
	return CTL_GOOD;
}
