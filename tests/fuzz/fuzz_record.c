/*
 * Account records: garbage is refused, and what is good has exactly one
 * encoding.
 */
#include "tests/fuzz/fuzz.h"

#include "auth/record.h"

static void
must_end(const char *s, size_t size)
{
	MUST(memchr(s, '\0', size) != NULL);
}

static void
check(const struct account *a)
{
	size_t i;

	must_end(a->hash, sizeof(a->hash));
	must_end(a->maildir, sizeof(a->maildir));
	MUST(a->address[0] == '\0' && a->maildir[0] == '/');
	MUST(a->uid != 0 && a->uid != (uid_t)-1 && a->gid != (gid_t)-1);
	MUST(a->access <= ACCESS_FROM_NOW && a->spam <= SPAM_ONLY);
	MUST(a->napp <= APP_PASSWORDS_MAX);
	for (i = 0; i < a->napp; i++)
		must_end(a->app[i].label, sizeof(a->app[i].label));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct account a; /* large */
	struct input in = { data, size };
	unsigned char *encoded;
	uint8_t *record;
	enum record_result result;

	/* Neither read beyond its end nor written beyond RECORD_MAX. */
	record = malloc(size);
	MUST(record != NULL || size == 0);
	if (size > 0)
		memcpy(record, in.at, size);
	result = record_decode(&a, record, size);
	MUST((result == RECORD_NEWER) == (size > 0 && data[0] > 1));
	if (result == RECORD_GOOD) {
		check(&a);
		MUST((encoded = malloc(RECORD_MAX)) != NULL);
		MUST(record_encode(&a, encoded) == size);
		MUST(memcmp(encoded, data, size) == 0);
		free(encoded);
	}
	free(record);
	return 0;
}
