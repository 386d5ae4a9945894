/*
 * The beginning of a message that a stranger wrote, and what a stranger sends
 * as a cookie.
 */
#include "tests/fuzz/fuzz.h"

#include "common/utf8.h"
#include "settings/cookie.h"
#include "settings/text.h"

/* It can be shown: whole characters of UTF-8, none of them a control. */
static void
must_be_clean(const char *s, size_t size)
{
	const unsigned char *p = (const unsigned char *)s;

	MUST(memchr(s, '\0', size) != NULL);
	while (*p != '\0') {
		MUST(*p >= 0x20 && *p != 0x7f && utf8_octets(p) > 0);
		p += utf8_octets(p);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char key[COOKIE_KEY];
	char from[256], subject[256], small[8];
	struct cookie cookie;
	char *text = malloc(size + 1);

	MUST(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	text_clean(small, sizeof(small), text);
	must_be_clean(small, sizeof(small));
	MUST(!cookie_open(&cookie, key, text));
	(void)text_time(text);
	/* Without the NUL: it ends where it ends. */
	text = realloc(text, size + (size == 0));
	MUST(text != NULL);
	text_headers(text, size, from, subject, sizeof(from));
	must_be_clean(from, sizeof(from));
	must_be_clean(subject, sizeof(subject));
	free(text);
	return 0;
}
