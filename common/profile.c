#include <sys/types.h>

#include <sha2.h>
#include <stdio.h>
#include <string.h>

#include "common/profile.h"
#include "common/xml.h"

static void
string(const char *key, const char *value)
{
	printf("      <key>%s</key><string>", key);
	xml_text(value);
	puts("</string>");
}

static void
number(const char *key, uint32_t value)
{
	printf("      <key>%s</key><integer>%u</integer>\n", key, value);
}

static void
yes(const char *key)
{
	printf("      <key>%s</key><true/>\n", key);
}

/* A UUID of version 8 (RFC 9562, 5.8), by what it is for. */
static void
uuid(const char *kind, const char *name)
{
	unsigned char d[SHA256_DIGEST_LENGTH];
	char text[37];
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, (const unsigned char *)kind, strlen(kind) + 1);
	SHA256Update(&ctx, (const unsigned char *)name, strlen(name));
	SHA256Final(d, &ctx);
	d[6] = (d[6] & 0x0f) | 0x80;
	d[8] = (d[8] & 0x3f) | 0x80;
	snprintf(text, sizeof(text), "%02X%02X%02X%02X-%02X%02X-%02X%02X-"
	    "%02X%02X-%02X%02X%02X%02X%02X%02X", d[0], d[1], d[2], d[3], d[4],
	    d[5], d[6], d[7], d[8], d[9], d[10], d[11], d[12], d[13], d[14],
	    d[15]);
	string("PayloadUUID", text);
}

/* What a payload and the profile around it have in common. */
static void
payload(const char *type, const char *suffix, const char *name)
{
	char identifier[ADDRESS_MAX + 32];

	snprintf(identifier, sizeof(identifier), "pop3d.%s%s", name, suffix);
	string("PayloadType", type);
	string("PayloadIdentifier", identifier);
	number("PayloadVersion", 1);
	uuid(suffix, name);
	string("PayloadDisplayName", name);
}

static void
print_account(const struct self_client *c, const char *address,
    const char *password)
{
	const struct self_server *in = &c->incoming, *out = &c->outgoing[0];

	string("EmailAccountType", "EmailTypePOP");
	if (address[0] != '@') {
		string("EmailAddress", address);
		string("EmailAccountName", address);
		string("IncomingMailServerUsername", address);
		string("OutgoingMailServerUsername", address);
	}
	if (password != NULL)
		string("IncomingPassword", password);
	string("IncomingMailServerAuthentication", "EmailAuthPassword");
	string("IncomingMailServerHostName", in->host);
	number("IncomingMailServerPortNumber", in->port);
	yes("IncomingMailServerUseSSL");
	string("OutgoingMailServerAuthentication", "EmailAuthPassword");
	string("OutgoingMailServerHostName", out->host);
	number("OutgoingMailServerPortNumber", out->port);
	yes("OutgoingMailServerUseSSL");
	yes("OutgoingPasswordSameAsIncomingPassword");
}

void
profile_print(const struct self_client *c, const char *address,
    const char *password)
{
	const char *at = strrchr(address, '@');
	const char *domain = at == NULL ? c->incoming.host : at + 1;
	const char *name = address[0] == '@' ? domain : address;

	puts("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	     "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
	     "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
	     "<plist version=\"1.0\">\n"
	     "  <dict>\n"
	     "    <key>PayloadContent</key>\n"
	     "    <array>\n"
	     "    <dict>");
	payload("com.apple.mail.managed", ".mail", name);
	print_account(c, address, password);
	puts("    </dict>\n"
	     "    </array>");
	payload("Configuration", "", name);
	string("PayloadOrganization", domain);
	puts("  </dict>\n"
	     "</plist>");
}
