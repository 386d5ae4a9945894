/*
 * Lines of Dovecot's passwd-file, and what is written like them:
 *
 *	user:{SCHEME}password:uid:gid:gecos:home:shell:extra fields
 *
 * All behind the password may be missing, and is not looked at in a line of
 * shadow(5); one of master.passwd(5) has three more fields before the gecos.
 */
#ifndef CTL_PASSWD_LINE_H
#define CTL_PASSWD_LINE_H

#include <stddef.h>

#include "auth/account.h"
#include "common/conf.h"

/* The fields of a line, pieces of it; "" where there is none. */
struct passwd_line {
	char *user;
	char *scheme; /* without its braces, in upper case */
	char *password;
	char *uid, *gid, *home;
	char *extra;
};

/* What the password is. */
enum passwd_kind {
	PASSWD_HASH,
	PASSWD_NONE,	/* locked, or empty */
	PASSWD_CLEAR,	/* in the clear, as its scheme says */
	PASSWD_USELESS, /* a hash that lets nobody in here: why not is told */
	PASSWD_BAD	/* no hash */
};

/* Cuts a line, which has a colon, into its fields. */
void passwd_line_cut(struct passwd_line *line, char *text);

/*
 * Its user's address, with the default domain where it has none.  Returns 0,
 * or -1 with a sentence in err.
 */
int passwd_line_address(const struct passwd_line *line,
    const struct conf *conf, char address[ADDRESS_MAX + 1], char *err,
    size_t errsize);

/* Fills why, if that is to be told, with half a sentence. */
enum passwd_kind passwd_line_kind(
    const struct passwd_line *line, char *why, size_t size);

/*
 * Sets what the line says of a new account but its password: owner, maildir,
 * nologin.  Returns 0, or -1 with a sentence in err.
 */
int passwd_line_apply(const struct passwd_line *line, const struct conf *conf,
    struct account *account, char *err, size_t errsize);

/* Does it say where the mail is, or is that left to the configuration? */
int passwd_line_places(const struct passwd_line *line);

/* Does the line let its user in from some networks only? */
int passwd_line_has_networks(const struct passwd_line *line);

#endif
