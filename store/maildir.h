/*
 * A Maildir folder as it is on disk: its directories, names and files.
 *
 * The name of a file in new/ or cur/ is its base name, unique and for ever,
 * and from the first colon on its suffix (":2," and flags), which others
 * may change at any time.  Names that begin with a dot are not mail.
 *
 * Errors are errno values, 0 is success, unless told otherwise.
 */
#ifndef STORE_MAILDIR_H
#define STORE_MAILDIR_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "common/messages.h"

#define NAME_OCTETS (NAME_MAX + 1)

enum subdir { NEW, CUR };

/* One folder, open; -1 where a directory does not exist. */
struct maildir {
	int dir[2]; /* NEW and CUR, to be read and to open files in */
	int error;  /* why it could not be opened; 0: it does not exist */
};

/*
 * Opens the folder at path.  A directory that is missing is -1, and no
 * error: an empty folder.
 */
int maildir_open(struct maildir *m, const char *path);

/* Makes the folder at path where it, or a part of it, is missing. */
int maildir_make(const char *path);

/*
 * The same for a local user, where his home is there: no administrator has
 * made his Maildir.  Any other that is missing may be on a disk that is not
 * mounted.  What fails is seen when the mailbox is opened.
 */
void maildir_make_at_home(const char *path);

/*
 * Opens its directories once more, by themselves: what a client of a file
 * server remembers of them is asked for anew when they are opened, and only
 * then.
 */
int maildir_reopen(struct maildir *m);

void maildir_close(struct maildir *m);

/* The octets of name that are its base; 0 when it is not mail. */
size_t maildir_base(const char *name);

/* When it was delivered, by its name: seconds since the epoch, or 0. */
int64_t maildir_delivered(const char *base);

/*
 * The UIDL of a base name (RFC 1939, section 7; I4): the name itself where
 * that is allowed, otherwise, and always where hashed is set, "=" and a
 * SHA-256 of it.  The junk folder's are always hashed: one maildrop may
 * hold a message of the same name from each folder.  Returns its length.
 */
size_t maildir_uidl(const char *base, int hashed, char uidl[UIDL_MAX + 1]);

/*
 * What shows that a directory was changed: a number for its times of
 * modification and of change together.  The first alone may be put back, as
 * rsync -a and tar do; the second alone cannot be chosen (maildir_stamp).
 * 0: unknown.  A directory that does not exist has a number, too.  last, if
 * not NULL: when it was changed, ns since the epoch, by the later of the two.
 */
#define TIME_ABSENT 1
int64_t maildir_time(const struct maildir *m, enum subdir sub, int64_t *last);

/*
 * Gives cur/ a time of our choosing, after changes of our own: two seconds
 * before its present one, which the file system's clock has just given it,
 * so that whatever others change from now on shows.  Returns maildir_time();
 * 0: failed, or somebody changed cur/ in that moment.
 */
int64_t maildir_stamp(const struct maildir *m);

/*
 * Now, by the clock of the file system that fd is on, ns; 0: it cannot be
 * told.  The file's time of modification is set for it.
 */
int64_t maildir_now(int fd);

/*
 * Is a directory's time, read after now (maildir_now()), old enough that
 * later changes cannot have the same?  So a time may be recorded.
 */
int maildir_is_past(int64_t time, int64_t now);

/*
 * When the file itself was made, whatever was done to it since: ns by the
 * file system's clock, or 0 where that cannot be told.
 */
int64_t maildir_born(
    const struct maildir *m, enum subdir sub, const char *name);

/*
 * Opens a message for reading: *fd is the caller's.  Only regular files
 * are mail; anything else is EINVAL.  A FIFO does not block.
 */
int maildir_file(const struct maildir *m, enum subdir sub, const char *name,
    int *fd);

struct measured {
	uint64_t octets;  /* as on the wire (wire.h) */
	uint64_t size;	  /* on disk */
	int64_t modified; /* ns since the epoch */
};

/*
 * Measures the message in fd.  given_up (may be NULL) is asked every few
 * megabytes: where it returns other than 0, ECANCELED.
 */
int maildir_measure(int fd, struct measured *measured,
    int (*given_up)(void *), void *arg);

/*
 * Moves a file from new/ or cur/ to cur/, its name there being to.  EEXIST
 * where that name is taken: nothing is ever replaced (I11).
 */
int maildir_move(const struct maildir *m, enum subdir sub, const char *from,
    const char *to);

/* The same between any two directories. */
int maildir_place(
    int from_dir, const char *from, int to_dir, const char *to);

/*
 * Makes a name that no other file has, for a message delivered at the given
 * time (seconds).
 */
void maildir_unique(int64_t delivered, char name[NAME_OCTETS]);

/*
 * Looks through cur/ and new/ for the file with this base name, whatever
 * its suffix is now: ENOENT when there is none.
 */
int maildir_search(const struct maildir *m, const char *base,
    enum subdir *sub, char name[NAME_OCTETS]);

#endif
