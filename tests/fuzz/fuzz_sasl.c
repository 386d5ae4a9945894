/*
 * SASL PLAIN: any text is survived and wiped; and a response made of three
 * strings is understood as RFC 4616 has it.
 */
#include "tests/fuzz/fuzz.h"

#include <sys/types.h>
#include <netinet/in.h>

#include <resolv.h>
#include <strings.h>

#include "common/line.h"
#include "common/sasl.h"

static void
must_be_wiped(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		MUST(text[i] == '\0');
}

static int
decode(char *text, struct msg_login *login)
{
	size_t len = strlen(text);
	int rv;

	memset(login, 0x55, sizeof(*login));
	rv = sasl_plain(text, login);
	must_be_wiped(text, len);
	MUST(rv == 0 || rv == -1);
	if (rv == 0) {
		MUST(memchr(login->user, '\0', sizeof(login->user)) != NULL);
		MUST(login->user[0] == '\0' ||
		    memchr(login->password, '\0', sizeof(login->password)) !=
			NULL);
	}
	return rv;
}

static void
try_text(struct input *in)
{
	struct msg_login login;
	size_t len;
	char *text = (char *)take(in, LINE_MAX_OCTETS, &len);

	(void)decode(text, &login);
	free(text);
}

/* What a response with these octets means: its user and password, or -1. */
static int
expect(const char *data, size_t len, const char **user, const char **password)
{
	const char *end = data + len;

	*user = data + strlen(data) + 1;
	if (*user > end || **user == '\0')
		return -1;
	*password = *user + strlen(*user) + 1;
	if (*password > end || **password == '\0' ||
	    *password + strlen(*password) != end)
		return -1;
	/* To act for somebody else is to be nobody. */
	if (*data != '\0' && strcasecmp(data, *user) != 0)
		*user = "";
	return 0;
}

static void
try_octets(struct input *in)
{
	static char text[LINE_MAX_OCTETS];
	struct msg_login login;
	const char *user, *password;
	size_t len;
	char *data = (char *)take(in, LINE_MAX_OCTETS / 4 * 3 - 3, &len);
	int rv;

	MUST(b64_ntop((unsigned char *)data, len, text, sizeof(text)) != -1);
	rv = decode(text, &login);
	MUST(rv == (len == 0 ? -1 : expect(data, len, &user, &password)));
	if (rv == 0 && user[0] != '\0' && strlen(user) <= ADDRESS_MAX &&
	    strlen(password) <= PASSWORD_MAX) {
		MUST(strcmp(login.user, user) == 0);
		MUST(strcmp(login.password, password) == 0);
	} else if (rv == 0)
		MUST(login.user[0] == '\0');
	free(data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	if (take8(&in) % 2 == 0)
		try_text(&in);
	else
		try_octets(&in);
	return 0;
}
