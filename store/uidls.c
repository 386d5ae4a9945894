#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "store/dir.h"
#include "store/text_line.h"
#include "store/uidls.h"

#define UIDLS_FILE    "uidls"
#define UIDLS_NEW     "uidls.new"
#define VERSION_WORD  "uidls "
#define VERSION	      "1"
#define JUNK_PREFIX   "junk/"
#define LINE_OCTETS   (UIDL_MAX + sizeof(" " JUNK_PREFIX) + NAME_MAX)
#define ASK	      4096 /* lines until it is asked whether anybody waits */
#define LINES_MAX     50000000 /* more than any directory has */
#define HASHED_OCTETS 65 /* of our own: "=" and a SHA-256 */
#define TEXT_OCTETS   65536

/* Where the strings are: they never move. */
struct uidls_text {
	struct uidls_text *next;
	size_t used;
	char octets[TEXT_OCTETS];
};

const char *
uidls_fault(const char *uidl)
{
	const char *p;

	for (p = uidl; *p != '\0'; p++)
		if (*p < 0x21 || *p > 0x7e)
			return "it has characters that POP3 does not allow";
	if (p == uidl)
		return "it is empty";
	if (p - uidl > UIDL_MAX)
		return "it has more than 70 octets";
	if (*uidl == '=' && p - uidl == HASHED_OCTETS)
		return "it looks like one that pop3d makes itself";
	return NULL;
}

static void
set_stamp(struct uidls_stamp *stamp, const struct stat *st)
{
	stamp->inode = (uint64_t)st->st_ino;
	stamp->size = (uint64_t)st->st_size;
	stamp->changed = st->st_ctim.tv_sec * CLOCK_NS + st->st_ctim.tv_nsec;
}

int
uidls_look(const char *dir, struct uidls_stamp *stamp)
{
	char path[PATH_MAX];
	struct stat st;
	int error;

	if ((error = dir_path(path, dir, UIDLS_FILE)) != 0)
		return error;
	if (lstat(path, &st) == -1)
		return errno;
	set_stamp(stamp, &st);
	return 0;
}

/* A copy that lives as long as u; NULL: out of memory. */
static const char *
keep(struct uidls *u, const char *s)
{
	size_t len = strlen(s) + 1;
	struct uidls_text *t = u->text;
	char *copy;

	if (t == NULL || sizeof(t->octets) - t->used < len) {
		if ((t = malloc(sizeof(*t))) == NULL)
			return NULL;
		t->next = u->text;
		t->used = 0;
		u->text = t;
	}
	copy = t->octets + t->used;
	memcpy(copy, s, len);
	t->used += len;
	return copy;
}

static int
grow(struct uidls *u)
{
	size_t room = u->room == 0 ? 256 : u->room * 2;
	void *grown = NULL;

	if (u->n >= LINES_MAX ||
	    (grown = reallocarray(u->line, room, sizeof(u->line[0]))) == NULL)
		return ENOMEM;
	u->line = grown;
	u->room = room;
	return 0;
}

int
uidls_add(struct uidls *u, enum folder folder, const char *base,
    const char *uidl)
{
	struct uidls_line *line;
	int error;

	if (u->n == u->room && (error = grow(u)) != 0)
		return error;
	line = &u->line[u->n];
	line->folder = folder;
	line->order = ++u->last;
	if ((line->base = keep(u, base)) == NULL ||
	    (line->uidl = keep(u, uidl)) == NULL)
		return ENOMEM;
	u->n++;
	return 0;
}

static int
compare_order(const struct uidls_line *a, const struct uidls_line *b)
{
	return a->order < b->order ? -1 : a->order > b->order;
}

static int
compare_names(const struct uidls_line *a, const struct uidls_line *b)
{
	if (a->folder != b->folder)
		return a->folder < b->folder ? -1 : 1;
	return strcmp(a->base, b->base);
}

static int
by_name(const void *va, const void *vb)
{
	const struct uidls_line *a = va, *b = vb;
	int c = compare_names(a, b);

	return c != 0 ? c : compare_order(a, b);
}

static int
by_uidl(const void *va, const void *vb)
{
	const struct uidls_line *a = *(struct uidls_line *const *)va;
	const struct uidls_line *b = *(struct uidls_line *const *)vb;
	int c = strcmp(a->uidl, b->uidl);

	return c != 0 ? c : compare_order(a, b);
}

/* Of the lines of one name the first stays. */
static void
drop_names(struct uidls *u, uidls_dropped_fn dropped, void *arg)
{
	size_t i, n = 0;

	for (i = 0; i < u->n; i++)
		if (n == 0 ||
		    compare_names(&u->line[n - 1], &u->line[i]) != 0)
			u->line[n++] = u->line[i];
		else if (dropped != NULL)
			dropped(arg, &u->line[i], &u->line[n - 1]);
	u->n = n;
}

static int
sort_by_uidl(struct uidls *u)
{
	size_t i;

	free(u->by_uidl);
	u->by_uidl = calloc(u->n + 1, sizeof(void *));
	if (u->by_uidl == NULL)
		return ENOMEM;
	for (i = 0; i < u->n; i++)
		u->by_uidl[i] = &u->line[i];
	if (u->n > 1)
		qsort(u->by_uidl, u->n, sizeof(void *), by_uidl);
	return 0;
}

/* Of the lines with one UIDL the first stays; how many do not. */
static size_t
mark_uidls(struct uidls *u, uidls_dropped_fn dropped, void *arg)
{
	const struct uidls_line *stays = NULL;
	size_t i, marked = 0;

	for (i = 0; i < u->n; i++)
		if (stays == NULL ||
		    strcmp(stays->uidl, u->by_uidl[i]->uidl) != 0)
			stays = u->by_uidl[i];
		else {
			if (dropped != NULL)
				dropped(arg, u->by_uidl[i], stays);
			u->by_uidl[i]->base = NULL;
			marked++;
		}
	return marked;
}

int
uidls_sort(struct uidls *u, uidls_dropped_fn dropped, void *arg)
{
	size_t i, n = 0;
	int error;

	if (u->n > 1)
		qsort(u->line, u->n, sizeof(u->line[0]), by_name);
	drop_names(u, dropped, arg);
	if ((error = sort_by_uidl(u)) != 0 ||
	    mark_uidls(u, dropped, arg) == 0)
		return error;
	for (i = 0; i < u->n; i++)
		if (u->line[i].base != NULL)
			u->line[n++] = u->line[i];
	u->n = n;
	return sort_by_uidl(u);
}

/* A line of the file, cut into its parts and added: 1, bad: 0, error: -1. */
static int
take_line(struct uidls *u, char *text)
{
	char *base = strchr(text, ' ');
	enum folder folder = INBOX;

	if (base == NULL)
		return 0;
	*base++ = '\0';
	if (strncmp(base, JUNK_PREFIX, strlen(JUNK_PREFIX)) == 0) {
		folder = JUNK;
		base += strlen(JUNK_PREFIX);
	}
	if (uidls_fault(text) != NULL || strlen(base) > NAME_MAX ||
	    *base == '\0' || maildir_base(base) != strlen(base) ||
	    strchr(base, '/') != NULL)
		return 0;
	return uidls_add(u, folder, base, text) == 0 ? 1 : -1;
}

/* The version line: 0, or what it says of the file. */
static int
read_version(FILE *f)
{
	char text[sizeof(VERSION_WORD) + 16];
	const char *number = text + strlen(VERSION_WORD);

	if (text_line(f, text, sizeof(text)) != TEXT_GOOD)
		return ferror(f) ? EIO : UIDLS_DAMAGED;
	if (strncmp(text, VERSION_WORD, strlen(VERSION_WORD)) != 0)
		return UIDLS_DAMAGED;
	if (strcmp(number, VERSION) == 0)
		return 0;
	return *number >= '1' && *number <= '9' &&
		number[strspn(number, "0123456789")] == '\0'
	    ? UIDLS_NEWER
	    : UIDLS_DAMAGED;
}

static void
note_bad(struct uidls *u, size_t number)
{
	if (u->bad++ == 0 || number < u->first)
		u->first = number;
}

static int
read_lines(struct uidls *u, FILE *f)
{
	char text[LINE_OCTETS];
	enum text_line kind;
	int taken;

	u->last = 1; /* the version's */
	while ((kind = text_line(f, text, sizeof(text))) != TEXT_END) {
		taken = kind == TEXT_GOOD ? take_line(u, text) : 0;
		if (taken == -1)
			return ENOMEM;
		if (!taken)
			note_bad(u, ++u->last);
		if (u->last % ASK == 0 && u->given_up != NULL &&
		    u->given_up(u->arg))
			return ECANCELED;
	}
	return ferror(f) ? EIO : 0;
}

static void
count_dropped(void *arg, const struct uidls_line *line,
    const struct uidls_line *stays)
{
	(void)stays;
	note_bad(arg, line->order);
}

static int
read_file(struct uidls *u, FILE *f, struct uidls_stamp *stamp)
{
	struct stat st;
	int error;

	if (fstat(fileno(f), &st) == -1)
		return errno;
	if (stamp != NULL)
		set_stamp(stamp, &st);
	if ((error = read_version(f)) != 0 || (error = read_lines(u, f)) != 0)
		return error;
	return uidls_sort(u, count_dropped, u);
}

int
uidls_read(struct uidls *u, const char *dir, struct uidls_stamp *stamp)
{
	char path[PATH_MAX];
	FILE *f;
	int error;

	if ((error = dir_path(path, dir, UIDLS_FILE)) != 0)
		return error;
	if ((error = text_open(AT_FDCWD, path, &f)) != 0)
		return error == EINVAL ? UIDLS_DAMAGED : error;
	error = read_file(u, f, stamp);
	(void)fclose(f);
	if (error != 0)
		uidls_free(u);
	return error;
}

static int
is_name(const void *wanted, const void *line)
{
	return compare_names(wanted, line);
}

const char *
uidls_find(const struct uidls *u, enum folder folder, const char *base)
{
	const struct uidls_line wanted = { .folder = folder, .base = base };
	const struct uidls_line *found = NULL;

	if (u->n > 0)
		found = bsearch(
		    &wanted, u->line, u->n, sizeof(u->line[0]), is_name);
	return found != NULL ? found->uidl : NULL;
}

static int
is_uidl(const void *wanted, const void *line)
{
	return strcmp(wanted, (*(struct uidls_line *const *)line)->uidl);
}

const struct uidls_line *
uidls_owner(const struct uidls *u, const char *uidl)
{
	struct uidls_line *const *found = NULL;

	if (u->n > 0)
		found = bsearch(
		    uidl, u->by_uidl, u->n, sizeof(void *), is_uidl);
	return found != NULL ? *found : NULL;
}

static int
write_lines(const struct uidls *u, FILE *f)
{
	size_t i;

	fputs(VERSION_WORD VERSION "\n", f);
	for (i = 0; i < u->n; i++)
		fprintf(f, "%s %s%s\n", u->line[i].uidl,
		    u->line[i].folder == JUNK ? JUNK_PREFIX : "",
		    u->line[i].base);
	if (fflush(f) != 0 || ferror(f) || fsync(fileno(f)) == -1)
		return errno != 0 ? errno : EIO;
	return 0;
}

static int
write_file(const struct uidls *u, const char *path)
{
	int error, fd;
	FILE *f;

	/* What an interrupted one has left. */
	if (unlink(path) == -1 && errno != ENOENT)
		return errno;
	fd = open(path,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return errno;
	if ((f = fdopen(fd, "w")) == NULL) {
		close(fd);
		return ENOMEM;
	}
	error = write_lines(u, f);
	if (fclose(f) != 0 && error == 0)
		error = errno;
	return error;
}

int
uidls_write(const struct uidls *u, const char *dir)
{
	char path[PATH_MAX], new[PATH_MAX];
	int error;

	if ((error = dir_path(path, dir, UIDLS_FILE)) != 0 ||
	    (error = dir_path(new, dir, UIDLS_NEW)) != 0)
		return error;
	if ((error = write_file(u, new)) == 0 && rename(new, path) == -1)
		error = errno;
	if (error == 0)
		return dir_sync_path(dir);
	(void)unlink(new);
	return error;
}

void
uidls_free(struct uidls *u)
{
	struct uidls_text *t;

	while ((t = u->text) != NULL) {
		u->text = t->next;
		free(t);
	}
	free(u->line);
	free(u->by_uidl);
	memset(u, 0, sizeof(*u));
}
