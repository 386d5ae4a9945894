#include <sys/types.h>
#include <netinet/in.h>

#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/utf8.h"
#include "settings/text.h"

#define HEADER_MAX 1024 /* octets of a field that are looked at */
#define WORD_MAX   75	/* octets of an encoded word: RFC 2047, 2 */

void
text_clean(char *dst, size_t size, const char *src)
{
	const unsigned char *p = (const unsigned char *)src;
	size_t n, used = 0;

	for (; *p != '\0'; p += n) {
		n = utf8_octets(p);
		if (n > 0 && used + n >= size)
			break;
		if (*p == ' ' || *p == '\t') {
			if (used > 0 && dst[used - 1] != ' ')
				dst[used++] = ' ';
		} else if (n == 0 || *p < 0x20 || *p == 0x7f) {
			n = 1;
			if (used + 1 >= size)
				break;
			dst[used++] = '?';
		} else {
			memcpy(dst + used, p, n);
			used += n;
		}
	}
	while (used > 0 && dst[used - 1] == ' ')
		used--;
	dst[used] = '\0';
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 2047, 4.2.  The result is never longer than the text. */
static size_t
decode_q(const char *text, size_t len, unsigned char *out)
{
	int high, low;
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		high = low = -1;
		if (text[i] == '=' && len - i > 2) {
			high = hex(text[i + 1]);
			low = hex(text[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			out[n++] = (unsigned char)(high * 16 + low);
			i += 2;
		} else
			out[n++] = (unsigned char)(text[i] == '_' ? ' ' :
								    text[i]);
	}
	return n;
}

static size_t
decode_b(const char *text, size_t len, unsigned char *out)
{
	char copy[WORD_MAX + 1];
	int n;

	memcpy(copy, text, len);
	copy[len] = '\0';
	n = b64_pton(copy, out, WORD_MAX);
	return n < 0 ? 0 : (size_t)n;
}

/* The n octets at the end of dst, where there is room. */
static size_t
append(char *dst, size_t size, size_t used, const unsigned char *octets,
    size_t n, int latin)
{
	size_t i;

	for (i = 0; i < n && used + 3 <= size; i++)
		if (octets[i] == '\0')
			continue;
		else if (latin && octets[i] >= 0x80) {
			dst[used++] = (char)(0xc0 | octets[i] >> 6);
			dst[used++] = (char)(0x80 | (octets[i] & 0x3f));
		} else
			dst[used++] = (char)octets[i];
	return used;
}

/*
 * An encoded word at p, =?CHARSET?B?TEXT?=: how many octets it takes, or 0.
 * What it says is added to dst.
 */
static size_t
take_word(const char *p, char *dst, size_t size, size_t *used)
{
	static const char *const known[] = { "=?utf-8?", "=?us-ascii?",
		"=?iso-8859-1?" };
	unsigned char octets[WORD_MAX];
	const char *text, *end;
	size_t i, len, n;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strncasecmp(p, known[i], strlen(known[i])) == 0)
			break;
	if (i == sizeof(known) / sizeof(known[0]))
		return 0;
	text = p + strlen(known[i]);
	if (text[0] == '\0' || text[1] != '?' ||
	    strchr("BbQq", text[0]) == NULL ||
	    (end = strstr(text + 2, "?=")) == NULL || end + 2 - p > WORD_MAX)
		return 0;
	len = (size_t)(end - text) - 2;
	n = (text[0] == 'B' || text[0] == 'b' ? decode_b : decode_q)(
	    text + 2, len, octets);
	*used = append(dst, size, *used, octets, n, i == 2);
	return (size_t)(end + 2 - p);
}

/* Blanks between two encoded words are not there: RFC 2047, 6.2. */
static void
decode(char *dst, size_t size, const char *src)
{
	size_t used = 0, n, blanks;
	int after_word = 0;

	while (*src != '\0' && used + 1 < size) {
		blanks = after_word ? strspn(src, " \t") : 0;
		if ((n = take_word(src + blanks, dst, size, &used)) > 0) {
			src += blanks + n;
			after_word = 1;
			continue;
		}
		dst[used++] = *src++;
		after_word = 0;
	}
	dst[used] = '\0';
}

/* Is the field at p of that name?  Then its value, unfolded, in value. */
static int
take_field(const char *p, const char *end, const char *name, char *value)
{
	size_t used = 0;
	const size_t len = strlen(name);

	if ((size_t)(end - p) <= len || strncasecmp(p, name, len) != 0 ||
	    p[len] != ':')
		return 0;
	for (p += len + 1; p < end && used < HEADER_MAX - 1; p++) {
		if (*p == '\n' &&
		    (p + 1 == end || (p[1] != ' ' && p[1] != '\t')))
			break;
		if (*p != '\n' && *p != '\r' && *p != '\0')
			value[used++] = *p;
	}
	value[used] = '\0';
	return 1;
}

void
text_headers(const char *octets, size_t len, char *from, char *subject,
    size_t size)
{
	const char *p = octets, *const end = octets + len;
	char value[HEADER_MAX] = "", text[HEADER_MAX];
	char *where;

	from[0] = subject[0] = '\0';
	while (p != NULL && p < end && *p != '\n' && *p != '\r') {
		where = take_field(p, end, "from", value)	? from :
		    take_field(p, end, "subject", value)	? subject :
								  NULL;
		if (where != NULL && where[0] == '\0') {
			decode(text, sizeof(text), value);
			text_clean(where, size, text);
		}
		p = memchr(p, '\n', (size_t)(end - p));
		if (p != NULL)
			p++;
	}
}

int64_t
text_time(const char *text)
{
	struct tm tm;
	const char *rest;

	memset(&tm, 0, sizeof(tm));
	rest = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return rest != NULL && *rest == '\0' ? (int64_t)timegm(&tm) : 0;
}
