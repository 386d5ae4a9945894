/*
 * Records of the index that no entry of ours makes, put into sound tables:
 * for targets that include store/index.c.
 *
 * In the input a record is the table, what kind of key, the key's length,
 * the data's (times four if kind & 0x80, times 256 if kind & 0x40: zeroes
 * follow what there is), and both.
 */
#ifndef TESTS_FUZZ_GARBAGE_H
#define TESTS_FUZZ_GARBAGE_H

#include "tests/fuzz/fuzz.h"

/* Was there a record of a version that is yet to come? */
static int newer_garbage;
/* A name with a unique-id that this program would not have given it? */
static int foreign_garbage;

static inline void
judge_name(const DBT *key, const uint8_t *data, size_t len)
{
	struct entry e = { .folder = INBOX }, ours;
	enum entry_result result;

	if (entry_decode_key(&e, key->data, key->size) != ENTRY_GOOD)
		return;
	result = entry_decode_name(&e, data, len);
	newer_garbage |= result == ENTRY_NEWER;
	ours = e;
	entry_set_uidl(&ours, e.folder == JUNK);
	foreign_garbage |= result == ENTRY_GOOD &&
	    strcmp(ours.uidl, e.uidl) != 0;
}

static inline void
judge(enum table t, const DBT *key, const uint8_t *data, size_t len)
{
	struct entry e = { .folder = INBOX };
	struct totals totals;
	int version;

	if (t == TABLE_INBOX || t == TABLE_JUNK)
		newer_garbage |= entry_decode_queue(&e, key->data, key->size,
		    data, len) == ENTRY_NEWER;
	else if (t == TABLE_NAMES && key->size == 1)
		newer_garbage |= totals_decode(&totals, data, len,
		    &version) == ENTRY_NEWER;
	else if (t == TABLE_NAMES)
		judge_name(key, data, len);
}

static inline int
put_garbage(struct index *ix, struct input *in)
{
	enum table t = (enum table)(take8(in) % TABLES);
	unsigned int kind = take8(in);
	size_t keylen = take8(in), len, datalen;
	uint8_t *key, *data, *text;
	DBT k;
	int error;

	if (kind % 4 == 0)
		keylen = t == TABLE_NAMES ? 1 : ENTRY_SEQUENCE;
	len = (size_t)take8(in) * (kind & 0x80 ? 4 : 1);
	key = take(in, keylen, &keylen);
	datalen = kind & 0x40 ? len * 256 : len;
	MUST((data = calloc(1, datalen + 1)) != NULL);
	text = take(in, len, &len);
	memcpy(data, text, len);
	free(text);
	if (t == TABLE_NAMES && kind % 4 != 3 && keylen > 0)
		key[0] = (uint8_t)"mij"[kind % 4];
	k = dbt(key, keylen);
	judge(t, &k, data, datalen);
	error = put(ix, t, &k, data, datalen);
	free(data);
	free(key);
	return error;
}

#endif
