#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "store/dir.h"
#include "store/repair.h"

#define FILE_NAME_TRY "index.try"
#define LOG_PREFIX    "log."

#define SEARCH_MS 2000 /* for finding the pages with names ... */
#define SAVE_MS	  5000 /* ... and for all */

#define KNOWN_LEAST 4096 /* names there is room for at first */

/* Pages of Berkeley DB as they are on disk, in all versions since 4.2. */
#define SIZE_MINIMUM   512
#define SIZE_MAXIMUM   65536
#define PAGE_NUMBER    8
#define PAGE_MAGIC     12 /* metadata ... */
#define PAGE_SIZE      20
#define PAGE_FLAGS     26
#define PAGE_CHECKSUM  1
#define META_CHECKSUM  492
#define META_OCTETS    512
#define BTREE_MAGIC    0x053162
#define PAGE_ENTRIES   20 /* ... and leaves */
#define PAGE_TYPE      25
#define LEAF_CHECKSUM  28
#define LEAF_OFFSETS   32
#define ITEM_TYPE      2
#define ITEM_DATA      3
#define ITEM_KEYDATA   1 /* neither deleted nor kept elsewhere */

/* The types of pages. */
#define INVALID	  0 /* free */
#define HASHMETA  8
#define BTREEMETA 9
#define QUEUEMETA 10
#define HEAPMETA  14
#define LEAF	  5

/* A file of pages, read one at a time. */
struct file {
	int fd;
	uint32_t size; /* of a page */
	int64_t deadline;
	unsigned char page[SIZE_MAXIMUM];
};

/* When, by the log, a page was written: the greater, the later. */
struct leaf {
	uint64_t lsn;
	uint32_t number;
};

/* Hashes of the names that were saved; 0: nothing is there. */
struct known {
	uint64_t *hash;
	size_t used, room;
};

struct salvage {
	struct file file;
	struct leaf *leaf;
	size_t leaves, room;
	struct known known;
	visit_fn save;
	void *arg;
	uint64_t saved;
};

static uint16_t
get16(const unsigned char *p)
{
	uint16_t n;

	memcpy(&n, p, sizeof(n));
	return n;
}

static uint32_t
get32(const unsigned char *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof(n));
	return n;
}

/* Berkeley DB's: 33 times what came before, plus the next octet. */
static uint32_t
checksum(const unsigned char *p, size_t len)
{
	uint32_t sum = 0;

	while (len-- > 0)
		sum = sum * 33 + *p++;
	return sum;
}

static int
is_metadata(const unsigned char *page)
{
	switch (page[PAGE_TYPE]) {
	case HASHMETA:
	case BTREEMETA:
	case QUEUEMETA:
	case HEAPMETA:
		return 1;
	default:
		return 0;
	}
}

/* Never written, or given up before it was. */
static int
is_hole(const unsigned char *page)
{
	static const unsigned char none[PAGE_MAGIC];

	return page[PAGE_TYPE] == INVALID &&
	    memcmp(page, none, sizeof(none)) == 0;
}

/* Is its checksum, which it loses here, right? */
static int
is_intact(unsigned char *page, uint32_t size)
{
	unsigned char *at = page + LEAF_CHECKSUM;
	uint32_t sum;

	if (is_metadata(page)) {
		if ((page[PAGE_FLAGS] & PAGE_CHECKSUM) == 0)
			return 0;
		at = page + META_CHECKSUM;
		size = META_OCTETS;
	}
	sum = get32(at);
	memset(at, 0, sizeof(sum));
	return checksum(page, size) == sum;
}

/* EINVAL: there is no such page, or only a part of it. */
static int
read_page(struct file *f, uint32_t number)
{
	ssize_t n;

	n = pread(f->fd, f->page, f->size, (off_t)number * f->size);
	if (n == -1)
		return errno;
	return (size_t)n < f->size ? EINVAL : 0;
}

static int
is_size(uint32_t size)
{
	return size >= SIZE_MINIMUM && size <= SIZE_MAXIMUM &&
	    (size & (size - 1)) == 0;
}

/* What the file says of its pages: 0, an errno value, or INDEX_DAMAGED. */
static int
read_size(struct file *f)
{
	uint32_t size;
	int error;

	f->size = META_OCTETS;
	if ((error = read_page(f, 0)) != 0)
		return error == EINVAL ? INDEX_DAMAGED : error;
	size = get32(f->page + PAGE_SIZE);
	if (get32(f->page + PAGE_MAGIC) != BTREE_MAGIC || !is_size(size) ||
	    f->page[PAGE_TYPE] != BTREEMETA || !is_intact(f->page, size))
		return INDEX_DAMAGED;
	f->size = size;
	return 0;
}

static int
open_file(struct file *f, const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;
	int error;

	if ((error = dir_path(path, dir, name)) != 0)
		return error;
	f->fd = open(path, O_RDONLY | NO_WAITING);
	if (f->fd == -1)
		return errno == ELOOP ? INDEX_DAMAGED : errno;
	if (fstat(f->fd, &st) == 0 && S_ISREG(st.st_mode))
		return 0;
	close(f->fd);
	return INDEX_DAMAGED;
}

/* Where Berkeley DB would count to 2^32: a wrong checksum is proof enough. */
static int
check_checksums(struct file *f)
{
	uint32_t number;
	int error;

	if ((error = read_size(f)) != 0)
		return error;
	for (number = 0; (error = read_page(f, number)) == 0; number++)
		if (!is_hole(f->page) && !is_intact(f->page, f->size))
			return INDEX_DAMAGED;
	return error == EINVAL ? 0 : error;
}

int
repair_verify(const char *dir)
{
	struct file *f;
	int error;

	if ((f = malloc(sizeof(*f))) == NULL)
		return ENOMEM;
	if ((error = open_file(f, dir, INDEX_FILE)) == 0) {
		error = check_checksums(f);
		close(f->fd);
	}
	free(f);
	return error != 0 ? error : index_verify(dir);
}

/* Can all of the index's files be opened, and a new one be made to last? */
static int
can_be_made_anew(DIR *dirp)
{
	static const char octets[4096];
	struct dirent *d;
	int error = 0, fd;

	while (error == 0 && (d = readdir(dirp)) != NULL) {
		if (strncmp(d->d_name, LOG_PREFIX, strlen(LOG_PREFIX)) != 0 &&
		    strcmp(d->d_name, INDEX_FILE) != 0)
			continue;
		fd = openat(dirfd(dirp), d->d_name, O_RDWR | NO_WAITING);
		if (fd != -1)
			close(fd);
		else if (errno == EACCES || errno == EPERM || errno == EIO)
			error = errno;
	}
	rewinddir(dirp);
	if (error != 0)
		return error;
	fd = openat(dirfd(dirp), FILE_NAME_TRY,
	    O_WRONLY | O_CREAT | O_TRUNC | NO_WAITING, 0600);
	if (fd == -1)
		return errno;
	errno = ENOSPC; /* what a part written means */
	if (write(fd, octets, sizeof(octets)) != (ssize_t)sizeof(octets) ||
	    fdatasync(fd) == -1)
		error = errno;
	close(fd);
	(void)unlinkat(dirfd(dirp), FILE_NAME_TRY, 0);
	return error;
}

int
repair_discard(const char *dir)
{
	struct dirent *d;
	DIR *dirp;
	int error;

	if ((dirp = opendir(dir)) == NULL)
		return errno;
	/* What looks like damage may be a full disk, or a wrong mode. */
	if ((error = can_be_made_anew(dirp)) == 0 &&
	    renameat(dirfd(dirp), INDEX_FILE, dirfd(dirp), INDEX_BAD) == -1 &&
	    errno != ENOENT)
		error = errno;
	while (error == 0 && (d = readdir(dirp)) != NULL)
		if (strncmp(d->d_name, LOG_PREFIX, strlen(LOG_PREFIX)) == 0)
			(void)unlinkat(dirfd(dirp), d->d_name, 0);
	closedir(dirp);
	return error;
}

int
repair_is_pending(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;

	return dir_path(path, dir, INDEX_BAD) == 0 && lstat(path, &st) == 0;
}

int
repair_done(const char *dir)
{
	char from[PATH_MAX], to[PATH_MAX];
	int error;

	if ((error = dir_path(from, dir, INDEX_BAD)) != 0 ||
	    (error = dir_path(to, dir, INDEX_SAVED)) != 0)
		return error;
	return rename(from, to) == -1 && errno != ENOENT ? errno : 0;
}

/* Wherever the disk has put it. */
static int
is_leaf(struct file *f)
{
	return f->page[PAGE_TYPE] == LEAF && is_intact(f->page, f->size);
}

/* Where the metadata is lost: the size at which some page makes sense. */
static int
guess_size(struct file *f)
{
	uint32_t number, size;

	for (size = SIZE_MINIMUM; size <= SIZE_MAXIMUM; size *= 2) {
		f->size = size;
		for (number = 1; number < 1024; number++) {
			if (clock_ms() >= f->deadline)
				return INDEX_DAMAGED;
			if (read_page(f, number) == 0 && is_leaf(f) &&
			    get32(f->page + PAGE_NUMBER) == number)
				return 0;
		}
	}
	return INDEX_DAMAGED;
}

static int
add_leaf(struct salvage *s, uint32_t number)
{
	const unsigned char *page = s->file.page;
	struct leaf *leaf;
	size_t room;

	if (s->leaves == s->room) {
		room = s->room == 0 ? 1024 : 2 * s->room;
		leaf = realloc(s->leaf, room * sizeof(*leaf));
		if (leaf == NULL)
			return ENOMEM;
		s->leaf = leaf;
		s->room = room;
	}
	s->leaf[s->leaves].lsn = (uint64_t)get32(page) << 32 | get32(page + 4);
	s->leaf[s->leaves++].number = number;
	return 0;
}

/* Pages that cannot be read are passed over, the end of the file is not. */
static int
find_leaves(struct salvage *s)
{
	struct stat st;
	uint64_t number, pages;
	int error = 0;

	if (fstat(s->file.fd, &st) == -1)
		return errno;
	pages = (uint64_t)st.st_size / s->file.size;
	for (number = 0; error == 0 && number < pages && number <= UINT32_MAX &&
	     clock_ms() < s->file.deadline; number++)
		if (read_page(&s->file, (uint32_t)number) == 0 &&
		    is_leaf(&s->file))
			error = add_leaf(s, (uint32_t)number);
	return error;
}

static int
newest_first(const void *a, const void *b)
{
	const struct leaf *x = a, *y = b;

	return (x->lsn < y->lsn) - (x->lsn > y->lsn);
}

/* FNV-1a; never 0. */
static uint64_t
hash_name(const struct entry *e)
{
	uint64_t hash = 14695981039346656037ULL + (uint64_t)e->folder;
	const char *s;

	for (s = e->base; *s != '\0'; s++)
		hash = (hash ^ (unsigned char)*s) * 1099511628211ULL;
	return hash | 1;
}

/* The place of a hash, or where it would be. */
static size_t
place(const uint64_t *hash, size_t room, uint64_t wanted)
{
	size_t i = (wanted >> 1) % room;

	while (hash[i] != 0 && hash[i] != wanted)
		i = (i + 1) % room;
	return i;
}

static int
make_room(struct known *k)
{
	size_t i, room = k->room == 0 ? KNOWN_LEAST : 2 * k->room;
	uint64_t *hash;

	if ((hash = calloc(room, sizeof(*hash))) == NULL)
		return -1;
	for (i = 0; i < k->room; i++)
		if (k->hash[i] != 0)
			hash[place(hash, room, k->hash[i])] = k->hash[i];
	free(k->hash);
	k->hash = hash;
	k->room = room;
	return 0;
}

/* 1: it was known already; -1: there is no memory. */
static int
insert(struct known *k, uint64_t hash)
{
	size_t i;

	if (2 * k->used >= k->room && make_room(k) == -1)
		return -1;
	i = place(k->hash, k->room, hash);
	if (k->hash[i] != 0)
		return 1;
	k->hash[i] = hash;
	k->used++;
	return 0;
}

/* An item of a leaf page; NULL where there is none that can be read. */
static const unsigned char *
item(const struct file *f, unsigned int i, size_t *len)
{
	const unsigned char *p;
	size_t at = get16(f->page + LEAF_OFFSETS + 2 * i);

	if (at < LEAF_OFFSETS || at + ITEM_DATA > f->size)
		return NULL;
	p = f->page + at;
	*len = get16(p);
	if (p[ITEM_TYPE] != ITEM_KEYDATA || at + ITEM_DATA + *len > f->size)
		return NULL;
	return p + ITEM_DATA;
}

/* The keys of queues and UIDLs, and what they lead to, are no names. */
static int
take_name(const struct file *f, unsigned int i, struct entry *e)
{
	const unsigned char *key, *data;
	size_t keylen = 0, len = 0;

	key = item(f, i, &keylen);
	data = item(f, i + 1, &len);
	return key != NULL && data != NULL &&
	    entry_decode_key(e, key, keylen) == ENTRY_GOOD &&
	    entry_decode_name(e, data, len) == ENTRY_GOOD;
}

static int
save_page(struct salvage *s)
{
	unsigned int i, entries = get16(s->file.page + PAGE_ENTRIES);
	struct entry e;
	int rv;

	if (LEAF_OFFSETS + 2 * (size_t)entries > s->file.size)
		return 0;
	for (i = 0; i + 1 < entries; i += 2) {
		if (!take_name(&s->file, i, &e))
			continue;
		if ((rv = insert(&s->known, hash_name(&e))) == -1)
			return ENOMEM;
		if (rv == 1)
			continue;
		if ((rv = s->save(s->arg, &e)) != 0)
			return rv;
		s->saved++;
	}
	return 0;
}

static int
salvage(struct salvage *s)
{
	int64_t start = clock_ms();
	size_t i;
	int error;

	s->file.deadline = start + SEARCH_MS;
	if (read_size(&s->file) != 0 && guess_size(&s->file) != 0)
		return 0; /* not a page of it is left */
	if ((error = find_leaves(s)) != 0)
		return error;
	if (s->leaves > 0)
		qsort(s->leaf, s->leaves, sizeof(*s->leaf), newest_first);
	s->file.deadline = start + SAVE_MS;
	for (i = 0; error == 0 && i < s->leaves &&
	     clock_ms() < s->file.deadline; i++)
		if (read_page(&s->file, s->leaf[i].number) == 0 &&
		    is_leaf(&s->file))
			error = save_page(s);
	return error;
}

int
repair_salvage(const char *dir, visit_fn save, void *arg, uint64_t *saved)
{
	struct salvage *s;
	int error;

	*saved = 0;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return ENOMEM;
	s->save = save;
	s->arg = arg;
	if ((error = open_file(&s->file, dir, INDEX_BAD)) == 0) {
		error = salvage(s);
		close(s->file.fd);
	}
	*saved = s->saved;
	free(s->known.hash);
	free(s->leaf);
	free(s);
	return error;
}

/* Are these the totals, and what version are they of?  -1: they are not. */
static int
totals_version(const struct file *f, unsigned int i)
{
	const unsigned char *key, *data;
	size_t keylen = 0, len = 0;
	struct totals t;
	int version;

	key = item(f, i, &keylen);
	data = item(f, i + 1, &len);
	if (key == NULL || data == NULL || keylen != 1 ||
	    key[0] != TOTALS_LETTER)
		return -1;
	return totals_decode(&t, data, len, &version) == ENTRY_NEWER;
}

/* The totals on the newest page that has them. */
static int
find_newer(struct salvage *s)
{
	unsigned int k, entries;
	size_t i;
	int newer;

	for (i = 0; i < s->leaves; i++) {
		if (read_page(&s->file, s->leaf[i].number) != 0)
			continue;
		entries = get16(s->file.page + PAGE_ENTRIES);
		if (LEAF_OFFSETS + 2 * (size_t)entries > s->file.size)
			continue;
		for (k = 0; k + 1 < entries; k += 2)
			if ((newer = totals_version(&s->file, k)) != -1)
				return newer;
	}
	return 0;
}

int
repair_is_newer(const char *dir)
{
	struct salvage *s;
	int newer = 0;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return 0;
	if (open_file(&s->file, dir, INDEX_FILE) == 0) {
		s->file.deadline = clock_ms() + SEARCH_MS;
		if (read_size(&s->file) == 0 && find_leaves(s) == 0 &&
		    s->leaves > 0) {
			qsort(s->leaf, s->leaves, sizeof(*s->leaf),
			    newest_first);
			newer = find_newer(s);
		}
		close(s->file.fd);
	}
	free(s->leaf);
	free(s);
	return newer;
}
