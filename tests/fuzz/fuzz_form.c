/*
 * What a browser, or whoever plays one, sends pop3web: any octets are a form
 * or are refused, and a form that is made of given fields has these.  A cookie
 * has letters, digits, - and _ alone.  Any text in HTML has no markup of its
 * own.
 */
#include "tests/fuzz/fuzz.h"

#include <strings.h>

#include "web/cookie.h"
#include "web/form.h"
#include "web/html.h"
#include "web/origin.h"
#include "common/shown.h"

static struct form form; /* large */

static int
is_text(const char *s)
{
	size_t len;

	for (; *s != '\0'; s += len)
		if ((len = *s == '\t' ? 1 : shown_octets(s)) == 0)
			return 0;
	return 1;
}

static void
try_octets(struct input *in)
{
	const size_t len = in->left < FORM_MAX ? in->left : FORM_MAX;
	size_t i, j;

	memcpy(form.text, in->at, len);
	if (form_parse(&form, len) != NULL) {
		MUST(form.n == 0);
		return;
	}
	MUST(form.n <= FORM_FIELDS_MAX);
	for (i = 0; i < form.n; i++) {
		MUST(is_text(form.name[i]) && is_text(form.value[i]));
		MUST(form_value(&form, form.name[i]) == form.value[i]);
		for (j = 0; j < i; j++)
			MUST(strcmp(form.name[i], form.name[j]) != 0);
	}
}

/* One value, every octet of it as %XX, comes out as it was. */
static void
try_made(struct input *in)
{
	size_t len, i;
	char *value = (char *)take(in, 2000, &len);

	strlcpy(form.text, "v=", sizeof(form.text));
	for (i = 0; i < len; i++)
		snprintf(form.text + 2 + 3 * i, 4, "%%%02x",
		    (unsigned char)value[i]);
	if (form_parse(&form, 2 + 3 * len) != NULL)
		MUST(strlen(value) != len || !is_text(value));
	else
		MUST(strcmp(form_value(&form, "v"), value) == 0);
	free(value);
}

static void
try_header(struct input *in)
{
	char value[64];
	size_t len;
	char *line = (char *)take(in, 1000, &len);

	memset(value, 'x', sizeof(value));
	cookie_read(line, value, sizeof(value));
	MUST(memchr(value, '\0', sizeof(value)) != NULL);
	MUST(value[0] == '\0' || cookie_is_good(value));
	if (origin_is_ours(line, "", "host"))
		MUST(strcasecmp(line, "https://host") == 0);
	MUST(!origin_is_ours("null", line, "host") ||
	    strcmp(line, "same-origin") == 0);
	free(line);
}

/* References alone begin with &, and nothing ends an attribute. */
static void
try_html(struct input *in)
{
	static char out[16384];
	size_t len;
	char *text = (char *)take(in, 2000, &len), *s;
	FILE *f = fmemopen(out, sizeof(out), "w"), *keep = stdout;

	MUST(f != NULL);
	stdout = f;
	html_text(text);
	fclose(f);
	stdout = keep;
	MUST(strpbrk(out, "<>\"'") == NULL);
	for (s = out; (s = strchr(s, '&')) != NULL; s++)
		MUST(s[1 + strcspn(s + 1, ";&")] == ';');
	for (s = out; *s != '\0'; s += len)
		MUST((len = shown_octets(s)) > 0);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const try[])(struct input *) = { try_octets, try_made,
		try_header, try_html };
	struct input in = { data, size };

	try[take8(&in) % 4](&in);
	return 0;
}
