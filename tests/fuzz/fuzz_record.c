/*
 * Account records: garbage is refused, what is good has exactly one encoding,
 * and what is older becomes that one with nothing lost.
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

	must_end(a->alias_of, sizeof(a->alias_of));
	if (a->alias_of[0] != '\0')
		return;
	must_end(a->hash, sizeof(a->hash));
	must_end(a->maildir, sizeof(a->maildir));
	MUST(a->address[0] == '\0' && a->maildir[0] == '/');
	MUST(a->uid != 0 && a->uid != (uid_t)-1 && a->gid != (gid_t)-1);
	MUST(a->access <= ACCESS_FROM_NOW && a->policy.spam <= SPAM_ONLY);
	MUST(a->napp <= APP_PASSWORDS_MAX);
	for (i = 0; i < a->napp; i++) {
		must_end(a->app[i].label, sizeof(a->app[i].label));
		MUST(a->app[i].services >= 1 &&
		    a->app[i].services <= SERVICE_BOTH);
		MUST(a->app[i].nnetwork <= NETWORKS_MAX);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct account a, again; /* large */
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
	if (size > 0 && data[0] > 2)
		MUST(result == RECORD_NEWER);
	/* Within version 2 a flag that is not known is a newer one's. */
	if (result == RECORD_NEWER)
		MUST(data[0] >= 2);
	if (result == RECORD_GOOD) {
		check(&a);
		MUST((encoded = malloc(RECORD_MAX)) != NULL);
		size = record_encode(&a, encoded);
		MUST(data[0] == 1 || size == in.left);
		MUST(data[0] == 1 || memcmp(encoded, data, size) == 0);
		MUST(record_decode(&again, encoded, size) == RECORD_GOOD);
		MUST(memcmp(&a, &again, sizeof(a)) == 0);
		free(encoded);
	}
	free(record);
	return 0;
}
