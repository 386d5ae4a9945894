#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "store/foreign.h"
#include "store/text_line.h"
#include "store/uidl_format.h"

#define LINE_OCTETS 4096 /* name, and a few values */
#define NUMBER_OCTETS 24

/* What reads the lines of a list, and what it knows from the first one. */
struct reading {
	const char *format;
	char uidvalidity[NUMBER_OCTETS];
	char uidl[UIDL_FORMAT_OCTETS];
};

/* A list: its header, and a line cut into base and r->uidl; 0: no such. */
struct kind {
	const char *file;
	int (*header)(struct reading *r, char *text);
	char *(*line)(struct reading *r, char *text);
};

/* A number as it stands there; 0: it is none, or of more than 64 bits. */
static int
copy_number(char number[NUMBER_OCTETS], const char *text, size_t len)
{
	if (len == 0 || len > 20 || strspn(text, "0123456789") < len)
		return 0;
	memcpy(number, text, len);
	number[len] = '\0';
	return 1;
}

static int
dovecot_header(struct reading *r, char *text)
{
	char *word, *rest = text;

	if (strcmp(strsep(&rest, " "), "3") != 0)
		return 0;
	while ((word = strsep(&rest, " ")) != NULL)
		if (word[0] == 'V')
			return copy_number(
			    r->uidvalidity, word + 1, strlen(word + 1));
	return 0;
}

static void
cut_suffix(char *name)
{
	name[strcspn(name, ":")] = '\0';
}

/* The name is behind the first colon that begins a word. */
static char *
dovecot_line(struct reading *r, char *text)
{
	const char *guid = NULL, *saved = NULL;
	char *rest = text, *word, uid[NUMBER_OCTETS];

	word = strsep(&rest, " ");
	if (!copy_number(uid, word, strlen(word)) || rest == NULL)
		return NULL;
	while (rest != NULL && *rest != ':') {
		word = strsep(&rest, " ");
		if (*word == 'P')
			saved = word + 1;
		else if (*word == 'G')
			guid = word + 1;
	}
	if (rest == NULL)
		return NULL;
	cut_suffix(++rest);
	if (saved != NULL)
		(void)strlcpy(r->uidl, *saved != '\0' ? saved : rest,
		    sizeof(r->uidl));
	else
		uidl_format(r->format,
		    &(struct uidl_values){ uid, r->uidvalidity, rest,
			guid != NULL ? guid : rest },
		    r->uidl);
	return rest;
}

static int
courier_header(struct reading *r, char *text)
{
	(void)r;
	return strncmp(text, "/3 ", 3) == 0 || strncmp(text, "/2 ", 3) == 0;
}

/* Of messages that an early version knew: the name, some octets as +XX. */
static void
courier_name(const char *base, char uidl[UIDL_FORMAT_OCTETS])
{
	size_t used = 0;

	for (; *base != '\0' && used + 4 < UIDL_FORMAT_OCTETS; base++)
		if (*base < 0x21 || *base > 0x7e || *base == '\'' ||
		    *base == '"' || *base == '+')
			used += (size_t)snprintf(uidl + used, 4, "+%02X",
			    (unsigned int)(unsigned char)*base);
		else
			uidl[used++] = *base;
	uidl[used] = '\0';
}

static char *
courier_line(struct reading *r, char *text)
{
	char uid[NUMBER_OCTETS], uidv[NUMBER_OCTETS], *numbers, *size, *colon;

	if ((numbers = strrchr(text, ' ')) == NULL)
		return NULL;
	*numbers++ = '\0';
	if ((size = strrchr(text, ' ')) == NULL)
		return NULL;
	*size++ = '\0';
	if ((colon = strchr(numbers, ':')) == NULL ||
	    !copy_number(uid, numbers, (size_t)(colon - numbers)) ||
	    !copy_number(uidv, colon + 1, strcspn(colon + 1, ":")) ||
	    size[strspn(size, "0123456789")] != '\0')
		return NULL;
	cut_suffix(text);
	if (strtoull(uid, NULL, 10) == 0)
		courier_name(text, r->uidl);
	else
		snprintf(r->uidl, sizeof(r->uidl), "UID%llu%s%s",
		    strtoull(uid, NULL, 10),
		    strtoull(uidv, NULL, 10) != 0 ? "-" : "",
		    strtoull(uidv, NULL, 10) != 0 ? uidv : "");
	return text;
}

static const struct kind kinds[] = {
	[FOREIGN_DOVECOT] = { "dovecot-uidlist", dovecot_header,
	    dovecot_line },
	[FOREIGN_COURIER] = { "courierpop3dsizelist", courier_header,
	    courier_line },
};

const char *
foreign_name(enum foreign list)
{
	return kinds[list].file;
}

/* Beside cur/, which is open. */
static int
open_list(const struct maildir *m, enum foreign list, FILE **f)
{
	char path[64];

	if (m->dir[CUR] == -1)
		return ENOENT;
	snprintf(path, sizeof(path), "../%s", kinds[list].file);
	return text_open(m->dir[CUR], path, f);
}

int
foreign_look(
    const struct maildir *m, enum foreign *list, enum foreign *other)
{
	int64_t newest = 0, time;
	struct stat st;
	enum foreign k;
	FILE *f;
	int error;

	*list = *other = FOREIGN_NONE;
	for (k = FOREIGN_DOVECOT; k <= FOREIGN_COURIER; k++) {
		if ((error = open_list(m, k, &f)) == ENOENT)
			continue;
		if (error != 0) {
			*list = k;
			return error;
		}
		error = fstat(fileno(f), &st) == -1 ? errno : 0;
		(void)fclose(f);
		if (error != 0)
			return error;
		time = st.st_mtim.tv_sec * CLOCK_NS + st.st_mtim.tv_nsec;
		if (*list == FOREIGN_NONE || time > newest) {
			*other = *list;
			*list = k;
			newest = time;
		} else
			*other = k;
	}
	return 0;
}

/* Lists that were copied by way of another system have these. */
static enum text_line
next_line(FILE *f, char text[LINE_OCTETS])
{
	enum text_line line = text_line(f, text, LINE_OCTETS);
	size_t len = strlen(text);

	if (line == TEXT_GOOD && len > 0 && text[len - 1] == '\r')
		text[len - 1] = '\0';
	return line;
}

static int
read_lines(struct reading *r, const struct kind *kind, FILE *f,
    foreign_fn take, void *arg)
{
	char text[LINE_OCTETS], *base;
	enum text_line line;
	size_t number = 1;
	int error = 0;

	if (next_line(f, text) != TEXT_GOOD ||
	    !kind->header(r, text))
		return ferror(f) ? EIO : EINVAL;
	while (error == 0 && (line = next_line(f, text)) != TEXT_END) {
		base = line == TEXT_GOOD ? kind->line(r, text) : NULL;
		error = take(arg, ++number, base, r->uidl);
	}
	return error == 0 && ferror(f) ? EIO : error;
}

int
foreign_read(const struct maildir *m, enum foreign list, const char *format,
    foreign_fn take, void *arg)
{
	struct reading r = { .format = format };
	FILE *f;
	int error;

	if ((error = open_list(m, list, &f)) != 0)
		return error;
	error = read_lines(&r, &kinds[list], f, take, arg);
	(void)fclose(f);
	return error;
}
