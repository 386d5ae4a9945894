#include <ctype.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "ctl/address.h"

#define LOCAL_MAX 64 /* octets: RFC 5321, 4.5.3.1.1 */

/* Dot-atoms of these characters only, no dot at an end or doubled. */
static int
is_dotted(const char *s, size_t len, const char *others)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (isalnum((unsigned char)s[i]))
			continue;
		if (s[i] == '.' && i > 0 && i + 1 < len && s[i + 1] != '.')
			continue;
		if (s[i] == '.' || strchr(others, s[i]) == NULL)
			return 0;
	}
	return len > 0;
}

int
address_parse(
    const char *text, char address[ADDRESS_MAX + 1], char *err, size_t errsize)
{
	const char *at = strrchr(text, '@');
	char *p;

	if (at == NULL)
		return error_set(err, errsize,
		    "%s is not a valid "
		    "address; write LOCAL@DOMAIN",
		    text);
	if (strlcpy(address, text, ADDRESS_MAX + 1) > ADDRESS_MAX)
		return error_set(err, errsize,
		    "an address has at most %d octets", ADDRESS_MAX);
	/* A slash would lead the maildir elsewhere. */
	if (at - text > LOCAL_MAX ||
	    !is_dotted(text, (size_t)(at - text), "!#$%&'*+-=?^_`{|}~"))
		return error_set(err, errsize,
		    "%s: before the @, use at most %d "
		    "letters, digits, dots and !#$%%&'*+-=?^_`{|}~",
		    text, LOCAL_MAX);
	if (!is_dotted(at + 1, strlen(at + 1), "-") || at[1] == '-')
		return error_set(err, errsize,
		    "%s: after the @, use letters, "
		    "digits, hyphens and dots (a domain in its xn-- form)",
		    text);
	for (p = address; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
}

int
maildir_good(const char *path)
{
	return path[0] == '/' && path[strspn(path, "/")] != '\0' &&
	    strlen(path) <= MAILDIR_MAX &&
	    strpbrk(path, "\r\n") == NULL;
}

static int
parse_numbers(const char *text, uid_t *uid, gid_t *gid)
{
	char copy[32];
	const char *uid_wrong, *gid_wrong;
	char *colon;

	if (strlcpy(copy, text, sizeof(copy)) >= sizeof(copy) ||
	    (colon = strchr(copy, ':')) == NULL)
		return -1;
	*colon = '\0';
	*uid = (uid_t)strtonum(copy, 0, UINT32_MAX - 1, &uid_wrong);
	*gid = (gid_t)strtonum(colon + 1, 0, UINT32_MAX - 1, &gid_wrong);
	return uid_wrong == NULL && gid_wrong == NULL ? 0 : -1;
}

int
owner_parse(const char *text, uid_t *uid, gid_t *gid, char *err, size_t errsize)
{
	struct passwd *pw;

	if ((pw = getpwnam(text)) != NULL) {
		*uid = pw->pw_uid;
		*gid = pw->pw_gid;
	} else if (parse_numbers(text, uid, gid) == -1)
		return error_set(err, errsize,
		    "there is no user %s; create it, "
		    "or name another owner",
		    text);
	if (*uid == 0 || *gid == 0)
		return error_set(err, errsize,
		    "%s is root, and root owns no "
		    "mailbox; name another owner",
		    text);
	return 0;
}

void
owner_name(uid_t uid, gid_t gid, char *text, size_t size)
{
	struct passwd *pw = getpwuid(uid);

	if (pw != NULL && pw->pw_gid == gid)
		strlcpy(text, pw->pw_name, size);
	else
		snprintf(text, size, "%lu:%lu", (unsigned long)uid,
		    (unsigned long)gid);
}
