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
	MUST(memchr(e->uidl, '\0', sizeof(e->uidl)) != NULL);
	MUST(e->folder < FOLDERS);
	/* Nothing that leads out of its directory, or hides. */
	MUST(strchr(e->base, '/') == NULL);
	MUST(e->base[0] != '\0' && maildir_base(e->base) == strlen(e->base));
}

static void
check_name(const struct entry *e)
{
	char name[NAME_OCTETS];

	check_entry(e);
	MUST(memchr(e->suffix, '\0', sizeof(e->suffix)) != NULL);
	MUST(e->state <= LEFT_OUT && e->sub <= CUR);
	MUST(e->inode == 0 || e->state != RETAINED);
	MUST(e->retained == 0 || e->state == RETAINED);
	MUST(strchr(e->suffix, '/') == NULL);
	MUST(e->suffix[0] == '\0' || e->suffix[0] == ':');
	MUST(entry_name(e, name) == 0);
}

/* As a line of UIDL: 1 to 70 octets that can be seen (I4). */
static void
check_uidl(const struct entry *e)
{
	char uidl[UIDL_MAX + 1];
	size_t i, len = entry_uidl(e, uidl);

	MUST(len > 0 && len <= UIDL_MAX && strlen(uidl) == len);
	for (i = 0; i < len; i++)
		MUST(uidl[i] > 0x20 && uidl[i] < 0x7f);
}

static void
walk(struct index *ix, enum folder folder, struct walk *w, int names)
{
	struct entry e, queued;

	while (index_walk_next(w, &e) == 0) {
		check_entry(&e);
		MUST(e.folder == folder);
		check_uidl(&e);
		if (names) {
			check_name(&e);
			continue;
		}
		queued = e;
		MUST(index_get_queued(ix, &queued) == 0);
		MUST(strcmp(queued.base, e.base) == 0);
		MUST(queued.octets == e.octets);
		MUST(strcmp(queued.uidl, e.uidl) == 0);
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
take_text(struct input *in, const char *first, char *text, size_t size)
{
	size_t len;
	uint8_t *octets = take(in, take8(in), &len);
	char *s;

	snprintf(text, size, "%s%s", first, (char *)octets);
	for (s = text + strlen(first); *s != '\0'; s++)
		if (*s == '/' || *s == ':')
			*s = '_';
	free(octets);
}

static void
take_uidl(struct input *in, char uidl[UIDL_MAX + 1])
{
	size_t i, len = take8(in) % (UIDL_MAX + 1);

	for (i = 0; i < len; i++)
		uidl[i] = (char)(0x21 + take8(in) % (0x7f - 0x21));
	uidl[len] = '\0';
}

static void
take_entry(struct input *in, struct entry *e)
{
	memset(e, 0, sizeof(*e));
	e->folder = (enum folder)(take8(in) % FOLDERS);
	e->state = (enum state)(take8(in) % (EXPUNGING + 1));
	e->sub = (enum subdir)(take8(in) % 2);
	e->young = (int)(take8(in) % 2);
	e->sequence = take64(in);
	e->octets = take64(in);
	e->size = take64(in);
	if (e->state == EXPUNGING)
		e->inode = take64(in);
	if (e->state == RETAINED)
		e->retained = (int64_t)take64(in);
	take_text(in, "1", e->base, sizeof(e->base));
	take_text(in, ":", e->suffix, sizeof(e->suffix) - strlen(e->base));
	take_uidl(in, e->uidl);
}

static void
must_be_same(const struct entry *a, const struct entry *b)
{
	MUST(a->state == b->state && a->sub == b->sub);
	MUST(a->young == b->young && a->sequence == b->sequence);
	MUST(a->octets == b->octets && a->size == b->size);
	MUST(a->inode == b->inode && a->retained == b->retained);
	MUST(strcmp(a->suffix, b->suffix) == 0);
	MUST(strcmp(a->uidl, b->uidl) == 0);
}

/* An entry of our own, among the garbage. */
static void
put_entry(struct index *ix, struct input *in)
{
	struct entry e, got;

	take_entry(in, &e);
	memset(&got, 0, sizeof(got));
	got.folder = e.folder;
	memcpy(got.base, e.base, sizeof(got.base));
	MUST(index_put_name(ix, &e) == 0);
	MUST(index_get_name(ix, &got) == 0);
	must_be_same(&e, &got);
	MUST(index_enqueue(ix, &e) == 0);
	MUST(index_get_queued(ix, &got) == 0);
	MUST(strcmp(got.base, e.base) == 0 && got.octets == e.octets);
	MUST(strcmp(got.uidl, e.uidl) == 0);
	if (e.uidl[0] != '\0' && index_find_uidl(ix, e.uidl, &got) == 0)
		check_entry(&got);
}

/* And once it goes, it is gone with all that it brought. */
static void
delete_entry(struct index *ix, struct input in)
{
	struct entry e, got;
	int ours;

	take_entry(&in, &e);
	ours = e.uidl[0] != '\0' &&
	    index_find_uidl(ix, e.uidl, &got) == 0 &&
	    got.folder == e.folder && strcmp(got.base, e.base) == 0;
	MUST(index_dequeue(ix, &e) == 0);
	MUST(index_delete_name(ix, &e) == 0);
	MUST(index_get_name(ix, &e) == INDEX_NOT_FOUND);
	if (ours)
		MUST(index_find_uidl(ix, e.uidl, &got) == INDEX_NOT_FOUND);
}

/* Empty tables again: cheaper than another index. */
static void
empty(struct index *ix)
{
	uint32_t count;
	enum table t;

	MUST(index_commit(ix, 0) == 0); /* lets its cursor go */
	for (t = 0; t < TABLES; t++)
		MUST(ix->table[t]->truncate(ix->table[t], NULL, &count, 0) ==
		    0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct index *ix;
	struct input in = { data, size }, entry;
	struct totals totals;
	unsigned int i, records = take8(&in) % RECORDS_MAX;
	int version;

	if (ix == NULL)
		MUST(index_open(&ix, "/nonexistent", INDEX_MEMORY) == 0);
	for (i = 0; i < records && in.left > 0; i++)
		(void)put_garbage(ix, &in);
	entry = in;
	if (entry.left > 0)
		put_entry(ix, &in);
	if (index_get_totals(ix, &totals, &version) == 0) {
		MUST(version == 1 || version == 2);
		MUST(index_put_totals(ix, &totals) == 0);
		MUST(index_get_totals(ix, &totals, &version) == 0);
		MUST(version == 2);
	}
	read_all(ix, INBOX);
	read_all(ix, JUNK);
	if (entry.left > 0)
		delete_entry(ix, entry);
	empty(ix);
	return 0;
}
