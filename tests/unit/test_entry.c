/*
 * Entries and totals as octets: what is encoded comes back, what version 1
 * wrote is read for ever, and what no version can have written is refused.
 */
#include <errno.h>

#include "tests/unit/unit.h"

#include "store/entry.h"

#define BASE "1792345678.M1P2.host"

/* An entry that has something of everything; INBOX, QUEUED. */
static struct entry
some_entry(void)
{
	struct entry e;

	memset(&e, 0, sizeof(e));
	e.sub = CUR;
	e.young = 1;
	e.sequence = 300;
	e.octets = 70000;
	e.size = 69000;
	strlcpy(e.base, BASE, sizeof(e.base));
	strlcpy(e.suffix, ":2,FS", sizeof(e.suffix));
	strlcpy(e.uidl, "id-of-elsewhere", sizeof(e.uidl));
	return e;
}

static void
same_entry(const struct entry *a, const struct entry *b)
{
	assert_int_equal(a->folder, b->folder);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->sub, b->sub);
	assert_int_equal(a->young, b->young);
	assert_int_equal(a->purged, b->purged);
	assert_true(a->sequence == b->sequence);
	assert_true(a->octets == b->octets);
	assert_true(a->size == b->size);
	assert_true(a->inode == b->inode);
	assert_true(a->retained == b->retained);
	assert_string_equal(a->base, b->base);
	assert_string_equal(a->suffix, b->suffix);
	assert_string_equal(a->uidl, b->uidl);
}

/* All octets of it are from before: what is not decoded shows. */
static struct entry
blank(const struct entry *e)
{
	struct entry got;

	memset(&got, 0x5a, sizeof(got));
	got.folder = e->folder;
	strlcpy(got.base, e->base, sizeof(got.base));
	return got;
}

static enum entry_result
decode_name(const struct entry *e, struct entry *got, const unsigned char *p,
    size_t len)
{
	unsigned char *copy = malloc(len > 0 ? len : 1); /* its end is seen */
	enum entry_result result;

	assert_non_null(copy);
	memcpy(copy, p, len);
	*got = blank(e);
	result = entry_decode_name(got, copy, len);
	free(copy);
	return result;
}

static void
there_and_back(const struct entry *e)
{
	unsigned char buf[ENTRY_NAME_MAX];
	struct entry got;
	size_t len = entry_encode_name(e, buf), cut;

	assert_true(len <= sizeof(buf));
	assert_int_equal(decode_name(e, &got, buf, len), ENTRY_GOOD);
	same_entry(&got, e);
	/* Its beginning is another record, or none. */
	for (cut = 0; cut < len; cut++)
		if (decode_name(e, &got, buf, cut) == ENTRY_GOOD)
			assert_string_not_equal(got.uidl, e->uidl);
}

static void
test_name(void **state)
{
	static const uint64_t numbers[] = { 0, 1, 127, 128, 16383, 16384,
		1ULL << 32, UINT64_MAX >> 1, UINT64_MAX - 1, UINT64_MAX };
	struct entry e = some_entry();
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(numbers); i++) {
		e = some_entry();
		e.sequence = numbers[i];
		e.octets = numbers[NITEMS(numbers) - 1 - i];
		e.size = numbers[i];
		there_and_back(&e);
		e.state = RETAINED;
		e.retained = (int64_t)numbers[i];
		there_and_back(&e);
		e.state = EXPUNGING;
		e.retained = 0;
		e.inode = numbers[i];
		there_and_back(&e);
		e.purged = 1;
		there_and_back(&e);
	}
	e.purged = 0;
	e.state = EARLIER;
	e.inode = 0;
	e.sub = NEW;
	e.young = 0;
	e.suffix[0] = '\0';
	there_and_back(&e);
}

/* Deletions must not make records longer: pages would be split. */
static void
test_length_stays(void **state)
{
	unsigned char buf[ENTRY_NAME_MAX];
	struct entry e = some_entry();
	size_t len = entry_encode_name(&e, buf);

	(void)state;
	e.state = RETAINED;
	e.retained = INT64_MAX;
	assert_int_equal(entry_encode_name(&e, buf), len);
	e.state = EXPUNGING;
	e.inode = UINT64_MAX;
	e.young = 0;
	e.purged = 1;
	assert_int_equal(entry_encode_name(&e, buf), len);
	/* What its state does not have is not kept. */
	e.state = QUEUED;
	assert_int_equal(entry_encode_name(&e, buf), len);
	assert_int_equal(entry_decode_name(&e, buf, len), ENTRY_GOOD);
	assert_true(e.inode == UINT64_MAX && e.retained == 0 && !e.purged);
}

static void
test_longest(void **state)
{
	unsigned char name[ENTRY_NAME_MAX], queue[ENTRY_QUEUE_MAX], seq[8],
	    key[ENTRY_KEY_MAX];
	struct entry e = some_entry(), got;
	char file[NAME_OCTETS];
	size_t len;

	(void)state;
	e.sequence = e.octets = e.size = UINT64_MAX;
	memset(e.base, 'b', NAME_MAX - 4);
	e.base[NAME_MAX - 4] = '\0';
	strlcpy(e.suffix, ":2,S", sizeof(e.suffix));
	memset(e.uidl, '~', UIDL_MAX);
	e.uidl[UIDL_MAX] = '\0';
	assert_int_equal(entry_name(&e, file), 0);
	there_and_back(&e);
	len = entry_encode_queue(&e, queue);
	assert_true(len <= sizeof(queue));
	entry_encode_sequence(e.sequence, seq);
	got = blank(&e);
	assert_int_equal(
	    entry_decode_queue(&got, seq, 8, queue, len), ENTRY_GOOD);
	assert_string_equal(got.base, e.base);
	assert_string_equal(got.uidl, e.uidl);
	assert_int_equal(entry_encode_key(&e, key), 1 + NAME_MAX - 4);
	/* One octet more is no file's name, and no record's. */
	strlcat(e.suffix, "T", sizeof(e.suffix));
	assert_int_equal(entry_name(&e, file), ENAMETOOLONG);
	len = entry_encode_name(&e, name);
	assert_int_equal(decode_name(&e, &got, name, len), ENTRY_DAMAGED);
}

/* Version 2 as it is written today, octet by octet. */
static const unsigned char name_2[] = { 0x82, EXPUNGING, 3, 0xac, 2, 0xf0,
	0xa2, 4, 0x88, 0x9b, 4, 0, 0, 0, 0, 0, 0, 1, 2, 5, ':', '2', ',', 'F',
	'S', 'i', 'd' };
static const unsigned char queue_2[] = { 0x82, 0xf0, 0xa2, 4, 4, 'b', 'a',
	's', 'e', 'i', 'd' };

static void
test_golden_2(void **state)
{
	unsigned char buf[ENTRY_NAME_MAX];
	struct entry e = some_entry(), got;

	(void)state;
	e.state = EXPUNGING;
	e.inode = 258;
	strlcpy(e.uidl, "id", sizeof(e.uidl));
	assert_int_equal(decode_name(&e, &got, name_2, sizeof(name_2)),
	    ENTRY_GOOD);
	same_entry(&got, &e);
	assert_int_equal(entry_encode_name(&e, buf), sizeof(name_2));
	assert_memory_equal(buf, name_2, sizeof(name_2));
	strlcpy(e.base, "base", sizeof(e.base));
	assert_int_equal(entry_encode_queue(&e, buf), sizeof(queue_2));
	assert_memory_equal(buf, queue_2, sizeof(queue_2));
}

/* What version 1 wrote: state, place, sequence, octets, suffix. */
static const unsigned char name_1[] = { RETAINED, CUR, 0, 0, 0, 0, 0, 0, 1,
	44, 0, 0, 0, 0, 0, 1, 17, 112, ':', '2', ',', 'S' };
static const unsigned char queue_1[] = { 0, 0, 0, 0, 0, 1, 17, 112, 'b', 'a',
	's', 'e' };

static void
test_golden_1(void **state)
{
	static const unsigned char seq[] = { 0, 0, 0, 0, 0, 0, 1, 44 };
	struct entry e = some_entry(), got;
	char uidl[UIDL_MAX + 1];

	(void)state;
	e.state = RETAINED;
	e.young = 0;
	e.size = SIZE_UNKNOWN;
	strlcpy(e.suffix, ":2,S", sizeof(e.suffix));
	e.uidl[0] = '\0';
	assert_int_equal(decode_name(&e, &got, name_1, sizeof(name_1)),
	    ENTRY_GOOD);
	same_entry(&got, &e);
	/* The junk folder's UIDLs were hashed, and stay the same. */
	e.folder = JUNK;
	maildir_uidl(e.base, 1, e.uidl);
	assert_int_equal(decode_name(&e, &got, name_1, sizeof(name_1)),
	    ENTRY_GOOD);
	same_entry(&got, &e);
	got = blank(&e);
	assert_int_equal(entry_decode_queue(&got, seq, sizeof(seq), queue_1,
	    sizeof(queue_1)), ENTRY_GOOD);
	assert_int_equal(got.sequence, 300);
	assert_int_equal(got.octets, 70000);
	assert_string_equal(got.base, "base");
	maildir_uidl("base", 1, uidl);
	assert_string_equal(got.uidl, uidl);
	got.folder = INBOX;
	assert_int_equal(entry_decode_queue(&got, seq, sizeof(seq), queue_1,
	    sizeof(queue_1)), ENTRY_GOOD);
	assert_string_equal(got.uidl, "");
}

/* Each octet of a golden record in turn set to what it must not be. */
struct bad {
	size_t at;
	unsigned char octet;
	enum entry_result result;
};

static void
test_bad_names(void **state)
{
	static const struct bad bad_1[] = { { 0, EXPUNGING + 1, 1 },
		{ 0, 0x7f, 1 }, { 0, 0x80, 1 }, { 0, 0x81, 1 },
		{ 0, 0x83, ENTRY_NEWER }, { 0, 0xff, ENTRY_NEWER },
		{ 1, CUR + 1, 1 }, { 18, '2', 1 }, { 19, '/', 1 },
		{ 21, '\0', 1 } };
	static const struct bad bad_2[] = { { 0, 0x83, ENTRY_NEWER },
		{ 1, LEFT_OUT + 1, 1 }, { 2, 8, 1 }, { 2, 0x80, 1 },
		{ 4, 0, 1 }, { 19, 8, 1 },
		{ 20, 'x', 1 }, { 22, '/', 1 }, { 22, 0, 1 }, { 25, ' ', 1 },
		{ 26, 0x7f, 1 }, { 26, 0, 1 }, { 26, 0xe4, 1 } };
	unsigned char buf[sizeof(name_2)];
	struct entry e = some_entry(), got;
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(bad_1); i++) {
		memcpy(buf, name_1, sizeof(name_1));
		buf[bad_1[i].at] = bad_1[i].octet;
		assert_int_equal(decode_name(&e, &got, buf, sizeof(name_1)),
		    bad_1[i].result);
	}
	for (i = 0; i < NITEMS(bad_2); i++) {
		memcpy(buf, name_2, sizeof(name_2));
		buf[bad_2[i].at] = bad_2[i].octet;
		assert_int_equal(decode_name(&e, &got, buf, sizeof(name_2)),
		    bad_2[i].result);
	}
	for (i = 0; i < 18; i++)
		assert_int_equal(
		    decode_name(&e, &got, name_1, i), ENTRY_DAMAGED);
	for (i = 0; i < 25; i++)
		assert_int_equal(
		    decode_name(&e, &got, name_2, i), ENTRY_DAMAGED);
}

static void
test_bad_queues(void **state)
{
	static const struct bad bad[] = { { 0, 1, 1 }, { 0, 0x80, 1 },
		{ 0, 0x81, 1 }, { 0, 0x83, ENTRY_NEWER }, { 4, 0, 1 },
		{ 4, 7, 1 }, { 5, '.', 1 }, { 6, ':', 1 }, { 6, '/', 1 },
		{ 6, 0, 1 }, { 10, ' ', 1 } };
	unsigned char buf[sizeof(queue_2) + UIDL_MAX], seq[9] = { 0 };
	struct entry e;
	size_t i;

	(void)state;
	memset(&e, 0, sizeof(e));
	for (i = 0; i < NITEMS(bad); i++) {
		memcpy(buf, queue_2, sizeof(queue_2));
		buf[bad[i].at] = bad[i].octet;
		assert_int_equal(entry_decode_queue(&e, seq, 8, buf,
		    sizeof(queue_2)), bad[i].result);
	}
	for (i = 0; i < 9; i++) {
		assert_int_equal(entry_decode_queue(&e, seq, 8, queue_2, i),
		    ENTRY_DAMAGED);
		assert_int_equal(entry_decode_queue(&e, seq, 8, queue_1,
		    i < 9 ? i : 8), ENTRY_DAMAGED);
	}
	for (i = 0; i <= 9; i++)
		assert_int_equal(entry_decode_queue(&e, seq, i, queue_2,
		    sizeof(queue_2)), i == 8 ? ENTRY_GOOD : ENTRY_DAMAGED);
	/* A UIDL of 70 octets, and of 71. */
	memcpy(buf, queue_2, 9);
	memset(buf + 9, 'u', UIDL_MAX + 1);
	assert_int_equal(
	    entry_decode_queue(&e, seq, 8, buf, 9 + UIDL_MAX), ENTRY_GOOD);
	assert_int_equal(entry_decode_queue(&e, seq, 8, buf, 10 + UIDL_MAX),
	    ENTRY_DAMAGED);
}

/* Numbers have one form: no bit beyond 64, no octet that adds nothing. */
static void
test_bad_numbers(void **state)
{
	unsigned char buf[16] = { 0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 1, 1, 'b' };
	static const unsigned char padded[] = { 0x82, 0xf0, 0x80, 0, 1, 'b' };
	static const unsigned char seq[8];
	struct entry e;

	(void)state;
	memset(&e, 0, sizeof(e));
	assert_int_equal(
	    entry_decode_queue(&e, seq, 8, buf, 13), ENTRY_GOOD);
	assert_true(e.octets == UINT64_MAX);
	buf[10] = 2;
	assert_int_equal(
	    entry_decode_queue(&e, seq, 8, buf, 13), ENTRY_DAMAGED);
	buf[10] = 0x81;
	assert_int_equal(
	    entry_decode_queue(&e, seq, 8, buf, 13), ENTRY_DAMAGED);
	assert_int_equal(entry_decode_queue(&e, seq, 8, padded,
	    sizeof(padded)), ENTRY_DAMAGED);
}

static void
test_key(void **state)
{
	static const char *const bad[] = { "", "i", "x1", "m", "i.hidden",
		"i1:2,", "ja/b" };
	unsigned char buf[ENTRY_KEY_MAX + 1];
	struct entry e = some_entry(), got;
	size_t i, len;

	(void)state;
	for (e.folder = INBOX; e.folder < FOLDERS; e.folder++) {
		len = entry_encode_key(&e, buf);
		assert_int_equal(len, 1 + strlen(BASE));
		assert_int_equal(buf[0], entry_folder_letter(e.folder));
		assert_int_equal(entry_decode_key(&got, buf, len), ENTRY_GOOD);
		assert_int_equal(got.folder, e.folder);
		assert_string_equal(got.base, e.base);
	}
	for (i = 0; i < NITEMS(bad); i++)
		assert_int_equal(entry_decode_key(&got,
		    (const unsigned char *)bad[i], strlen(bad[i])),
		    ENTRY_DAMAGED);
	memset(buf, 'i', sizeof(buf));
	assert_int_equal(
	    entry_decode_key(&got, buf, ENTRY_KEY_MAX), ENTRY_GOOD);
	assert_int_equal(
	    entry_decode_key(&got, buf, ENTRY_KEY_MAX + 1), ENTRY_DAMAGED);
	buf[9] = '\0';
	assert_int_equal(
	    entry_decode_key(&got, buf, ENTRY_KEY_MAX), ENTRY_DAMAGED);
}

static void
test_cut(void **state)
{
	static const char *const names[][3] = { { "a", "a", "" },
		{ "a:2,S", "a", ":2,S" }, { "a:b:c", "a", ":b:c" },
		{ "a:", "a", ":" } };
	char name[NAME_OCTETS], longest[NAME_OCTETS];
	struct entry e;
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(names); i++) {
		entry_cut(&e, names[i][0]);
		assert_string_equal(e.base, names[i][1]);
		assert_string_equal(e.suffix, names[i][2]);
		assert_int_equal(entry_name(&e, name), 0);
		assert_string_equal(name, names[i][0]);
	}
	memset(longest, 'l', NAME_MAX);
	longest[NAME_MAX] = '\0';
	entry_cut(&e, longest);
	assert_string_equal(e.base, longest);
	assert_int_equal(entry_name(&e, name), 0);
	strlcpy(e.suffix, ":", sizeof(e.suffix));
	assert_int_equal(entry_name(&e, name), ENAMETOOLONG);
}

static void
test_uidl(void **state)
{
	struct entry e = some_entry();
	char uidl[UIDL_MAX + 1], hashed[UIDL_MAX + 1];

	(void)state;
	assert_int_equal(entry_uidl(&e, uidl), strlen("id-of-elsewhere"));
	assert_string_equal(uidl, "id-of-elsewhere");
	entry_set_uidl(&e, 0);
	assert_string_equal(e.uidl, "");
	assert_int_equal(entry_uidl(&e, uidl), strlen(BASE));
	assert_string_equal(uidl, BASE);
	entry_set_uidl(&e, 1);
	assert_int_equal(maildir_uidl(BASE, 1, hashed), 65);
	assert_string_equal(e.uidl, hashed);
	assert_int_equal(entry_uidl(&e, uidl), 65);
	assert_string_equal(uidl, hashed);
	/* A name that cannot be a UIDL. */
	strlcpy(e.base, "a b", sizeof(e.base));
	entry_set_uidl(&e, 0);
	assert_int_equal(e.uidl[0], '=');
}

/* What version 1 wrote: 15 numbers of 8 octets. */
static void
test_totals_1(void **state)
{
	unsigned char buf[121] = { 0 };
	struct totals t;
	int version;
	size_t i;

	(void)state;
	for (i = 0; i < 15; i++)
		buf[8 * i + 7] = (unsigned char)(i + 1);
	memset(&t, 0x5a, sizeof(t));
	assert_int_equal(totals_decode(&t, buf, 120, &version), ENTRY_GOOD);
	assert_int_equal(version, 1);
	assert_int_equal(t.next_sequence, 2);
	assert_int_equal(t.expunging, 3);
	assert_int_equal(t.folder[INBOX].count, 4);
	assert_int_equal(t.folder[INBOX].octets, 5);
	assert_int_equal(t.folder[INBOX].time[NEW], 6);
	assert_int_equal(t.folder[INBOX].time[CUR], 7);
	assert_int_equal(t.folder[INBOX].read, 8);
	assert_int_equal(t.folder[INBOX].from_now, 9);
	assert_int_equal(t.folder[JUNK].count, 10);
	assert_int_equal(t.folder[JUNK].from_now, 15);
	assert_true(t.generation == 0 && t.forwarded == 0 &&
	    t.identity[0] == 0 && t.folder[INBOX].names == 0 &&
	    t.folder[JUNK].young == 0);
	for (i = 0; i <= 121; i++)
		if (i != 120)
			assert_int_equal(totals_decode(&t, buf, i, &version),
			    ENTRY_DAMAGED);
}

static void
test_totals_2(void **state)
{
	static const struct totals wanted = { .identity = "0123456789abcde",
		.generation = UINT64_MAX, .next_sequence = 2, .expunging = 3,
		.forwarded = -4, .uidls_inode = 5, .uidls_size = 6,
		.uidls_changed = -7,
		.folder = { { 8, 9, 10, 11, 12, 13, { 14, INT64_MIN }, 15,
				16 },
		    { 17, 18, 19, 20, 21, 22, { -23, 24 }, 25, -26 } } };
	unsigned char buf[TOTALS_OCTETS + 1];
	struct totals t;
	int version;
	size_t i;

	(void)state;
	totals_encode(&wanted, buf);
	memset(&t, 0x5a, sizeof(t));
	assert_int_equal(
	    totals_decode(&t, buf, TOTALS_OCTETS, &version), ENTRY_GOOD);
	assert_int_equal(version, 2);
	assert_memory_equal(&t, &wanted, sizeof(t));
	for (i = 0; i <= TOTALS_OCTETS + 1; i++)
		if (i != TOTALS_OCTETS)
			assert_int_equal(totals_decode(&t, buf, i, &version),
			    ENTRY_DAMAGED);
	buf[TOTALS_OCTETS - 1] = 1; /* somebody uses the room */
	assert_int_equal(
	    totals_decode(&t, buf, TOTALS_OCTETS, &version), ENTRY_NEWER);
	buf[7] = 0;
	assert_int_equal(
	    totals_decode(&t, buf, TOTALS_OCTETS, &version), ENTRY_DAMAGED);
	buf[7] = 3;
	assert_int_equal(totals_decode(&t, buf, 8, &version), ENTRY_NEWER);
	buf[0] = 3;
	assert_int_equal(totals_decode(&t, buf, 8, &version), ENTRY_DAMAGED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_length_stays),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_golden_1),
		cmocka_unit_test(test_golden_2),
		cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_bad_queues),
		cmocka_unit_test(test_bad_numbers),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_uidl),
		cmocka_unit_test(test_totals_1),
		cmocka_unit_test(test_totals_2),
	};

	return cmocka_run_group_tests_name("entry", tests, NULL, NULL);
}
