/*
 * Index records: a database that is sound, whose records are garbage.
 * Reading them gives entries that keep their bounds, or errors; and what we
 * put ourselves comes back as it was.
 */
#include "tests/fuzz/fuzz.h"

#include "store/index.c"
#include "tests/fuzz/garbage.h"

#define RECORDS_MAX 64

USES_BERKELEY_DB

static void
check_entry(const struct entry *e)
{
	MUST(memchr(e->base, '\0', sizeof(e->base)) != NULL);
	MUST(e->folder < FOLDERS);
	/* Nothing that leads out of its directory, or hides. */
	MUST(strchr(e->base, '/') == NULL);
	MUST(e->base[0] != '\0' && maildir_base(e->base) == strlen(e->base));
}

static void
check_name(const struct entry *e)
{
	check_entry(e);
	MUST(memchr(e->suffix, '\0', sizeof(e->suffix)) != NULL);
	MUST(e->state <= EXPUNGING && e->sub <= CUR);
	MUST(strchr(e->suffix, '/') == NULL);
	MUST(e->suffix[0] == '\0' || e->suffix[0] == ':');
}

static void
walk(struct index *ix, enum folder folder, struct walk *w, int names)
{
	struct entry e, queued;

	while (index_walk_next(w, &e) == 0) {
		check_entry(&e);
		MUST(e.folder == folder);
		if (names) {
			check_name(&e);
			continue;
		}
		queued = e;
		MUST(index_get_queued(ix, &queued) == 0);
		MUST(strcmp(queued.base, e.base) == 0);
		MUST(queued.octets == e.octets);
		if (index_get_name(ix, &e) == 0)
			check_name(&e);
	}
}

static void
read_all(struct index *ix, enum folder folder)
{
	struct walk *w;
	struct entry e;
	uint64_t n, count = 0;

	memset(&e, 0, sizeof(e));
	MUST(index_count(ix, folder, &count) == 0);
	for (n = 1; n <= count; n++)
		if (index_number(ix, folder, n, &e) == 0)
			check_entry(&e);
	MUST(index_number(ix, folder, count + 1, &e) != 0);
	for (n = 1; n <= count + 1; n++) {
		if (index_walk_queue(ix, folder, n, &w) == 0)
			walk(ix, folder, w, 0);
		index_walk_end(w);
	}
	if (index_walk_names(ix, folder, &w) == 0)
		walk(ix, folder, w, 1);
	index_walk_end(w);
}

/* A part of a name as a directory may have it: the index takes no other. */
static void
take_text(struct input *in, const char *first, char text[NAME_OCTETS])
{
	size_t len;
	uint8_t *octets = take(in, take8(in), &len);
	char *s;

	snprintf(text, NAME_OCTETS, "%s%s", first, (char *)octets);
	for (s = text + strlen(first); *s != '\0'; s++)
		if (*s == '/' || *s == ':')
			*s = '_';
	free(octets);
}

/* An entry of our own, among the garbage. */
static void
put_entry(struct index *ix, struct input *in)
{
	struct entry e, got;

	memset(&e, 0, sizeof(e));
	e.folder = (enum folder)(take8(in) % FOLDERS);
	e.state = (enum state)(take8(in) % (EXPUNGING + 1));
	e.sub = (enum subdir)(take8(in) % 2);
	e.sequence = take64(in);
	e.octets = take64(in);
	take_text(in, "1", e.base);
	take_text(in, ":", e.suffix);
	got = e;
	memset(got.suffix, 0, sizeof(got.suffix));
	MUST(index_put_name(ix, &e) == 0);
	MUST(index_get_name(ix, &got) == 0);
	MUST(got.state == e.state && got.sub == e.sub &&
	    got.sequence == e.sequence && got.octets == e.octets &&
	    strcmp(got.suffix, e.suffix) == 0);
	MUST(index_enqueue(ix, &e) == 0);
	MUST(index_get_queued(ix, &got) == 0);
	MUST(strcmp(got.base, e.base) == 0 && got.octets == e.octets);
}

/* Empty tables again: cheaper than another index. */
static void
empty(struct index *ix)
{
	uint32_t count;
	enum table t;

	for (t = 0; t < TABLES; t++)
		MUST(ix->table[t]->truncate(ix->table[t], NULL, &count, 0) ==
		    0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct index *ix;
	struct input in = { data, size };
	struct meta meta;
	unsigned int i, records = take8(&in) % RECORDS_MAX;

	if (ix == NULL)
		MUST(index_open(&ix, "/nonexistent", INDEX_MEMORY) == 0);
	for (i = 0; i < records && in.left > 0; i++)
		(void)put_garbage(ix, &in);
	if (in.left > 0)
		put_entry(ix, &in);
	if (index_get_meta(ix, &meta) == 0) {
		MUST(index_put_meta(ix, &meta) == 0);
		MUST(index_get_meta(ix, &meta) == 0);
	}
	read_all(ix, INBOX);
	read_all(ix, JUNK);
	empty(ix);
	return 0;
}
