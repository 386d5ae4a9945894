/*
 * Why Berkeley DB failed.
 *
 * It says that it must be recovered, or that an argument is invalid, where a
 * disk is full or a file cannot be opened.  So the calls by which it reads,
 * writes and allocates are its own no longer: the first error of one of
 * them, of a kind that passes, is noted, and is the answer to why.  Where
 * there was none, the file itself is damaged.
 *
 * For one index at a time in a process, and for index.c alone.
 */
#ifndef STORE_CAUSE_H
#define STORE_CAUSE_H

#include <db.h>
#include <stdint.h>

/*
 * Forgets what was noted: another index is about to be opened, whose pages
 * are in the file of this name, and are doubted (bdb.h) when they are read.
 */
void cause_begin(const char *file);

/*
 * While what was not finished is made good or undone there may be pages that
 * were given out and never written: 1 before, 0 behind it.
 */
void cause_expect_holes(int expected);

/* What was noted since then, or 0. */
int cause_noted(void);

/*
 * The error of index_error.h that an error of Berkeley DB comes to.  What the
 * library said of damage is logged, once, in its own words.
 */
int cause_of(int error);

/* Keeps what the library says, for set_errcall(); nothing is written. */
void cause_message(
    const DB_ENV *env, const char *prefix, const char *message);

/* Notes a write that failed, for set_event_notify() of an environment. */
void cause_event(DB_ENV *env, uint32_t event, void *info);

#endif
