#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/listing.h"

static int
add(struct listing *l, const char *name, enum subdir sub, uint64_t inode)
{
	size_t base = maildir_base(name);
	size_t len = strlen(name) + 1, size;
	void *grown;

	if (l->n == l->size) {
		size = l->size == 0 ? 256 : l->size * 2;
		grown = reallocarray(l->entry, size, sizeof(*l->entry));
		if (grown == NULL)
			return ENOMEM;
		l->entry = grown;
		l->size = size;
	}
	if (l->room - l->used < len) {
		size = l->room == 0 ? 16384 : l->room * 2;
		if ((grown = realloc(l->names, size)) == NULL)
			return ENOMEM;
		l->names = grown;
		l->room = size;
	}
	memcpy(l->names + l->used, name, len);
	l->used += len;
	l->entry[l->n].inode = inode;
	l->entry[l->n].base = (unsigned char)base;
	l->entry[l->n].sub = (unsigned char)sub;
	l->n++;
	return 0;
}

/* What cannot be mail is not listed: anything but a regular file. */
static int
is_regular(int dir, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_REG;
	return fstatat(dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    S_ISREG(st.st_mode);
}

int
listing_add(struct listing *l, const char *name, enum subdir sub)
{
	return add(l, name, sub, 0);
}

int
listing_copy(struct listing *l, const struct listed *listed)
{
	return add(l, listed->name, (enum subdir)listed->sub, listed->inode);
}

int
listing_read(struct listing *l, const struct maildir *m, enum subdir sub)
{
	struct dirent *d;
	int fd, error = 0;
	DIR *dir;

	if (m->dir[sub] == -1)
		return 0;
	/* A descriptor of its own: each reading begins at the beginning. */
	fd = openat(m->dir[sub], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return errno;
	if ((dir = fdopendir(fd)) == NULL) {
		error = errno;
		close(fd);
		return error;
	}
	while (error == 0 && (errno = 0, d = readdir(dir)) != NULL)
		if (maildir_base(d->d_name) != 0 &&
		    is_regular(m->dir[sub], d)) {
			error = add(l, d->d_name, sub, d->d_ino);
			l->in_cur += sub == CUR;
		}
	if (error == 0)
		error = errno;
	closedir(dir);
	return error;
}

int
listing_compare(const char *a, size_t alen, const char *b, size_t blen)
{
	int c = memcmp(a, b, alen < blen ? alen : blen);

	if (c != 0)
		return c;
	return alen < blen ? -1 : alen > blen;
}

static int
compare(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	int c = listing_compare(x->name, x->base, y->name, y->base);

	if (c == 0)
		c = (int)y->sub - (int)x->sub;
	return c != 0 ? c : strcmp(x->name + x->base, y->name + y->base);
}

void
listing_sort(struct listing *l)
{
	const char *name = l->names;
	int sorted = 1;
	size_t i;

	/* Only now do the names stay where they are. */
	for (i = 0; i < l->n; i++) {
		l->entry[i].name = name;
		name += strlen(name) + 1;
		if (i > 0 && sorted)
			sorted = compare(&l->entry[i - 1], &l->entry[i]) <= 0;
	}
	/* Names often come in order, and sorting takes room of its own. */
	if (!sorted)
		qsort(l->entry, l->n, sizeof(l->entry[0]), compare);
}

const struct listed *
listing_find(const struct listing *l, const char *base)
{
	size_t low = 0, high = l->n, i, len = strlen(base);

	while (low < high) {
		i = low + (high - low) / 2;
		if (listing_compare(l->entry[i].name, l->entry[i].base, base,
			len) < 0)
			low = i + 1;
		else
			high = i;
	}
	if (low == l->n || listing_compare(l->entry[low].name,
			       l->entry[low].base, base, len) != 0)
		return NULL;
	return &l->entry[low];
}

void
listing_free(struct listing *l)
{
	free(l->entry);
	free(l->names);
	memset(l, 0, sizeof(*l));
}
