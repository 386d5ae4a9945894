#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/boot.h"
#include "store/dir.h"
#include "store/seal.h"

#define VERSION	    2
#define BEGINNING   "seal 2 "
#define SUSPICION   "seal 2 suspicious\n"
#define SUSPICION_1 "suspicious\n" /* version 1's */
#define SEAL_OCTETS 1024

/* How a seal ends, after what tells of index.db: totals, checksum, newline. */
#define SUM_DIGITS    (SHA256_DIGEST_STRING_LENGTH - 1)
#define TOTALS_DIGITS (2 * TOTALS_OCTETS)
#define END_OCTETS    (TOTALS_DIGITS + 1 + SUM_DIGITS + 1)

static void
to_hex(const unsigned char *octets, size_t n, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		hex[2 * i] = digits[octets[i] >> 4];
		hex[2 * i + 1] = digits[octets[i] & 15];
	}
}

/* The value of a digit; -1: it is none. */
static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
from_hex(const char *hex, unsigned char *octets, size_t n)
{
	int high, low;
	size_t i;

	for (i = 0; i < n; i++) {
		if ((high = digit(hex[2 * i])) == -1 ||
		    (low = digit(hex[2 * i + 1])) == -1)
			return 0;
		octets[i] = (unsigned char)(high << 4 | low);
	}
	return 1;
}

/* The checksum and the newline, behind the n octets that are in buf. */
static void
append_sum(char *buf, size_t n)
{
	char sum[SHA256_DIGEST_STRING_LENGTH];

	SHA256Data((const uint8_t *)buf, n, sum);
	memcpy(buf + n, sum, SUM_DIGITS);
	buf[n + SUM_DIGITS] = '\n';
}

/*
 * The seal with these totals for index.db as it is now: its length, or 0
 * with errno set when there can be none.
 */
static size_t
compose(const char *index, const unsigned char totals[TOTALS_OCTETS],
    char buf[SEAL_OCTETS])
{
	struct stat st;
	size_t len;
	int n;

	if (stat(index, &st) == -1)
		return 0;
	n = snprintf(buf, SEAL_OCTETS, BEGINNING "%s/%s %llu %llu %lld.%09ld ",
	    boot_host(), boot_id(), (unsigned long long)st.st_ino,
	    (unsigned long long)st.st_size, (long long)st.st_ctim.tv_sec,
	    (long)st.st_ctim.tv_nsec);
	if (n < 0 || (size_t)n + END_OCTETS > SEAL_OCTETS) {
		errno = EOVERFLOW;
		return 0;
	}
	len = (size_t)n;
	to_hex(totals, TOTALS_OCTETS, buf + len);
	len += TOTALS_DIGITS;
	buf[len++] = ' ';
	append_sum(buf, len);
	return len + SUM_DIGITS + 1;
}

/* The totals in a text that has the shape of a seal, whatever is in it. */
static int
take_totals(const char *text, size_t len, unsigned char buf[TOTALS_OCTETS])
{
	size_t begin = strlen(BEGINNING);

	return len >= begin + END_OCTETS && len <= SEAL_OCTETS &&
	    memcmp(text, BEGINNING, begin) == 0 &&
	    from_hex(text + len - END_OCTETS, buf, TOTALS_OCTETS);
}

/* Does it begin like a seal whose version is greater than ours? */
static int
is_newer(const char *text, size_t len)
{
	size_t at = strlen("seal ");
	int version = 0;

	if (len <= at || memcmp(text, "seal ", at) != 0)
		return 0;
	for (; at < len && text[at] >= '0' && text[at] <= '9'; at++)
		if (version <= VERSION)
			version = version * 10 + (text[at] - '0');
	return version > VERSION && at < len && text[at] == ' ';
}

static int
is_text(const char *text, size_t len, const char *wanted)
{
	return len == strlen(wanted) && memcmp(text, wanted, len) == 0;
}

enum seal_state
seal_read(int fd, const char *index, struct totals *t)
{
	char text[SEAL_OCTETS + 1], expected[SEAL_OCTETS];
	unsigned char totals[TOTALS_OCTETS];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	size_t len;
	int version;

	if (n <= 0)
		return SEAL_NONE;
	len = (size_t)n;
	if (is_newer(text, len))
		return SEAL_NEWER;
	if (is_text(text, len, SUSPICION) || is_text(text, len, SUSPICION_1))
		return SEAL_SUSPECT;
	/* Believed if it is what we would write for the file as it is. */
	if (boot_id()[0] == '\0' || !take_totals(text, len, totals) ||
	    compose(index, totals, expected) != len ||
	    memcmp(text, expected, len) != 0)
		return SEAL_NONE;
	switch (totals_decode(t, totals, sizeof(totals), &version)) {
	case ENTRY_GOOD:
		return version == VERSION ? SEAL_GOOD : SEAL_NONE;
	case ENTRY_NEWER:
		return SEAL_NEWER;
	case ENTRY_DAMAGED:
		break;
	}
	return SEAL_NONE;
}

static int
put_text(int fd, const char *text, size_t len)
{
	ssize_t n = pwrite(fd, text, len, 0);

	return n == (ssize_t)len ? 0 : n == -1 ? errno : ENOSPC;
}

static int
replace_text(int fd, const char *text, size_t len)
{
	int error;

	if ((error = seal_break(fd)) == 0 &&
	    (error = put_text(fd, text, len)) == 0 &&
	    ftruncate(fd, (off_t)len) == -1)
		error = errno;
	if (error != 0 && ftruncate(fd, 0) == -1)
		return errno; /* it is no seal in any case: its sum is wrong */
	return error;
}

int
seal_write(int fd, const char *index, const struct totals *t)
{
	unsigned char totals[TOTALS_OCTETS];
	char text[SEAL_OCTETS];
	size_t len;

	if (boot_id()[0] == '\0')
		return ftruncate(fd, 0) == -1 ? errno : 0;
	totals_encode(t, totals);
	if ((len = compose(index, totals, text)) == 0)
		return errno;
	return replace_text(fd, text, len);
}

/*
 * By cutting off its last octet: it keeps its room on the disk, if it is to
 * be mended when there is no more; and a change of its length is kept in
 * order with those of index.db by file systems with a journal, so that the
 * seal does not come back without them when the power fails.
 */
int
seal_break(int fd)
{
	struct stat st;
	ssize_t n = 0;
	off_t size;
	char last;

	if (fstat(fd, &st) == -1)
		return errno;
	if (st.st_size > (off_t)SEAL_OCTETS)
		return 0; /* it is none */
	/* More than one is nobody's seal; with one less it would be one. */
	for (size = st.st_size; size > 0; size--)
		if ((n = pread(fd, &last, 1, size - 1)) != 1 || last != '\n')
			break;
	if (n == -1)
		return errno;
	return size < st.st_size && ftruncate(fd, size) == -1 ? errno : 0;
}

int
seal_mend(int fd, const char *index, const struct totals *t)
{
	char text[SEAL_OCTETS + 1], expected[SEAL_OCTETS];
	unsigned char totals[TOTALS_OCTETS];
	ssize_t n;
	size_t len;

	if (boot_id()[0] == '\0')
		return ESTALE;
	if ((n = pread(fd, text, sizeof(text), 0)) == -1)
		return errno;
	totals_encode(t, totals);
	if ((len = compose(index, totals, expected)) != (size_t)n + 1 ||
	    memcmp(text, expected, (size_t)n) != 0)
		return ESTALE;
	n = pwrite(fd, "\n", 1, (off_t)len - 1);
	return n == 1 ? 0 : n == -1 ? errno : ENOSPC;
}

int
seal_write_suspicion(int fd)
{
	return replace_text(fd, SUSPICION, strlen(SUSPICION));
}

/* What is in the file, if it is a regular one: its length, or -1. */
static ssize_t
peek_text(const char *dir, char text[SEAL_OCTETS + 1])
{
	char path[PATH_MAX];
	struct stat st;
	ssize_t n = -1;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/lock", dir) >=
	    sizeof(path))
		return -1;
	fd = open(path,
	    O_RDONLY | NO_WAITING);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = pread(fd, text, SEAL_OCTETS + 1, 0);
	close(fd);
	return n;
}

void
seal_peek(const char *dir, uint64_t names[FOLDERS])
{
	unsigned char octets[TOTALS_OCTETS];
	char text[SEAL_OCTETS + 1];
	struct totals t;
	ssize_t n = peek_text(dir, text);
	int version, folder;

	memset(names, 0, FOLDERS * sizeof(names[0]));
	if (n <= 0 || !take_totals(text, (size_t)n, octets) ||
	    totals_decode(&t, octets, sizeof(octets), &version) != ENTRY_GOOD)
		return;
	for (folder = 0; folder < FOLDERS; folder++)
		names[folder] = t.folder[folder].names;
}
