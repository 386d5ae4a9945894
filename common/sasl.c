#include <sys/types.h>
#include <netinet/in.h>

#include <resolv.h>
#include <string.h>
#include <strings.h>

#include "common/line.h"
#include "common/sasl.h"

/* Takes [authzid] NUL authcid NUL password apart. */
static int
take_apart(const char *data, size_t len, struct msg_login *login)
{
	const char *authcid, *password, *end = data + len;

	authcid = memchr(data, '\0', len);
	if (authcid == NULL)
		return -1;
	authcid++;
	password = memchr(authcid, '\0', (size_t)(end - authcid));
	if (password == NULL)
		return -1;
	password++;
	if (*authcid == '\0' || password == end ||
	    memchr(password, '\0', (size_t)(end - password)) != NULL)
		return -1;
	/* To act for another, or under a name too long for any, is refused. */
	if ((*data != '\0' && strcasecmp(data, authcid) != 0) ||
	    strlcpy(login->user, authcid, sizeof(login->user)) >=
		sizeof(login->user) ||
	    strlcpy(login->password, password, sizeof(login->password)) >=
		sizeof(login->password))
		login->user[0] = '\0';
	return 0;
}

/*
 * Wipes text, and leaves its octets in data with a NUL behind them, at which
 * string functions stop.  Returns how many there are, or -1.
 */
static int
decode(char *text, unsigned char data[LINE_MAX_OCTETS])
{
	size_t len = strlen(text);
	int n = -1;

	/* b64_pton(3) would skip blanks. */
	if (strcspn(text, " \t\v\f\r\n") == len)
		n = b64_pton(text, data, LINE_MAX_OCTETS - 1);
	if (n >= 0)
		data[n] = '\0';
	explicit_bzero(text, len);
	return n;
}

int
sasl_plain(char *text, struct msg_login *login)
{
	unsigned char data[LINE_MAX_OCTETS];
	int n = decode(text, data), rv = -1;

	if (n > 0)
		rv = take_apart((char *)data, (size_t)n, login);
	explicit_bzero(data, sizeof(data));
	return rv;
}

int
sasl_string(char *text, char *string, size_t size)
{
	unsigned char data[LINE_MAX_OCTETS];
	int n = decode(text, data), rv = -1;

	if (n >= 0 && strlen((char *)data) == (size_t)n) {
		if (strlcpy(string, (char *)data, size) >= size)
			explicit_bzero(string, size);
		rv = 0;
	}
	explicit_bzero(data, sizeof(data));
	return rv;
}
