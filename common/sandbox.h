/*
 * The box that each process locks itself in, once it has all it needs.
 *
 * Each is entered after root is given up.  From then on the process reads,
 * writes and passes messages on the descriptors it has; only the store and
 * pop3ctl's reader open files, in their mailboxes, and the clerk, beside the
 * accounts.  Whatever else
 * is tried kills the process or, where syslog(3) or a library may try it in
 * good faith, fails.
 *
 * A system that lacks a part of what the box is made of: with required, the
 * functions log what is missing and return -1; without, they take what
 * there is, and the session, keys, sasl or desk, the first of the processes,
 * says so in the log for all of them; the store, if it is the only one that
 * lacks it.
 *
 * All return 0, or -1 after a line in the log: the caller must end.
 */
#ifndef COMMON_SANDBOX_H
#define COMMON_SANDBOX_H

#include <stddef.h>

/*
 * Before the first octet from the network.  No file, and no new descriptor
 * but those that come through channel.
 */
int sandbox_session(int channel, int required);

/*
 * The keys process, with certificates and keys loaded: as sandbox_session(),
 * but that it forks and waits.  channel leads to the listener.
 */
int sandbox_keys(int channel, int required);

/*
 * A session that the keys process has forked, in place of sandbox_session():
 * it has inherited all but the last of it, and loses what keys had more.
 */
int sandbox_session_kept(int channel, int required);

/*
 * With the accounts open.  channel leads to the session or to sasl, verdict
 * to the parent, system to the process that asks the system, accounts is
 * their file, if its links will be counted (-1: there is none of these).
 */
int sandbox_auth(
    int channel, int verdict, int system, int accounts, int required);

/*
 * Before the first octet from an SMTP server: as sandbox_session(), without
 * what TLS needs.
 */
int sandbox_sasl(int channel, int required);

/*
 * Before the first octet from the web server: as sandbox_sasl().  It passes no
 * descriptors to anybody.
 */
int sandbox_desk(int auth, int required);

/*
 * pop3settings' auth, with the accounts open: as sandbox_auth(), with a
 * channel to each of the others, and files come through the clerk's.
 */
int sandbox_judge(int desk, int clerk, int owner, int required);

/*
 * The clerk, which stays root where it is root: with no capability, and no
 * file but those below dir, where it may do what accounts and factors take.
 * auth and desk are the channels to them.
 */
int sandbox_clerk(const char *dir, int auth, int desk, int required);

/*
 * pop3web, with its socket to pop3settings connected: reading and writing, and
 * no more.  It is pop3settings that tells what the system is without.
 */
int sandbox_web(int required);

/*
 * The process that asks the system, which is root.  On Linux it is in no
 * box: PAM's modules may do what they like.  On OpenBSD it starts the login
 * class's authentication program, which is not in the box.
 */
int sandbox_system(void);

/*
 * Before sandbox_store(): within it, it can be seen whether the file at path
 * exists, and which one it is (stat(2)); no more than that.
 */
int sandbox_store_sees(const char *path);

/*
 * As the mailbox's owner; maildir is the directory that may be used, with
 * all that is below.  If it does not exist, no file may be: make it first.
 * That a file elsewhere exists can still be seen (stat(2)).
 */
int sandbox_store(const char *maildir, int channel, int required);

/*
 * As the owner of all of these directories, which are n and at least one:
 * files below them can be read, and nothing is written but to what is open.
 * One that is missing, or a symbolic link, stays shut.
 */
int sandbox_reader(const char *const *dir, size_t n, int required);

#endif
