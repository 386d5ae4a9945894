/*
 * Factors: garbage is refused, and what is good is what was written.
 */
#include "tests/fuzz/fuzz.h"

#include "auth/factors.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char octets[FACTORS_OCTETS];
	struct factors f, again;
	char address[ADDRESS_MAX + 1] = "";
	uint8_t *copy = malloc(size + (size == 0));
	enum factors_result result;

	/* Not read beyond its end; whose it is stands in it. */
	MUST(copy != NULL);
	memcpy(copy, data, size);
	if (size > sizeof(address))
		memcpy(address, data + 1, ADDRESS_MAX);
	result = factors_decode(&f, address, copy, size);
	free(copy);
	if (size > 0 && data[0] > 1)
		MUST(result == FACTORS_NEWER);
	if (result != FACTORS_GOOD)
		return 0;
	MUST(size == FACTORS_OCTETS && data[0] == 1);
	MUST(f.nrecovery <= RECOVERY_CODES && f.signed_out >= 0 &&
	    f.invited >= 0 && f.pending >= 0 && f.tries_since >= 0);
	factors_encode(&f, address, octets);
	MUST(factors_decode(&again, address, octets, sizeof(octets)) ==
	    FACTORS_GOOD);
	MUST(memcmp(&f, &again, sizeof(f)) == 0);
	return 0;
}
