/*
 * pop3ctl import: accounts from text, one a line, as export writes them
 * (account_line.h) or a passwd-file has them (passwd_line.h).
 *
 * All is read, and passwords in the clear are hashed, before the accounts are
 * locked.  Good lines count and bad ones are told, each; only with -s one bad
 * line spoils all.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/factors.h"
#include "auth/password.h"
#include "common/error.h"
#include "ctl/account_line.h"
#include "ctl/ctl.h"
#include "ctl/holders.h"
#include "ctl/maildirs.h"
#include "ctl/new_account.h"
#include "ctl/passwd_line.h"
#include "ctl/revoke.h"
#include "store/text_line.h"

#define LINE_SIZE 65536 /* room for every application password */
#define LINES_MAX 1000000
#define BOM	  "\xef\xbb\xbf" /* some editors begin a file with it */

enum kind { LINE_ACCOUNT, LINE_ALIAS, LINE_PASSWD, LINE_BAD };

struct line {
	char *text;
	size_t size;
	unsigned long number;
	enum kind kind;
	int places; /* it says where the mail is */
	struct passwd_line passwd; /* of LINE_PASSWD; pieces of text */
	char *hash;		   /* made of its password, or NULL */
};

/* What is being imported. */
struct import {
	const struct conf *conf;
	const char *file;
	int dry; /* -n: only told */
	struct accounts_edit *edit;
	struct holders holders;
	struct line *line;
	size_t nlines, room;
	unsigned long number, accounts, added, aliases, bad;
	struct maildirs maildirs;
	struct revocation revocation;
	int committed;
	char err[ERR_SIZE];
};

static void
tell_bad(struct import *im, const struct line *l)
{
	im->bad++;
	(void)ctl_fail("%s:%lu: %s", im->file, l->number, im->err);
}

/* What becomes of a line, for -n; and a warning, if there is one. */
static void
tell(const struct import *im, const struct line *l, const char *address,
    const char *what, const char *warning)
{
	if (im->dry)
		printf("%s:%lu: %s: %s%s%s\n", im->file, l->number, address,
		    what, warning[0] != '\0' ? "; " : "", warning);
	else if (warning[0] != '\0')
		(void)ctl_fail("warning: %s:%lu: %s: %s", im->file, l->number,
		    address, warning);
}

/*
 * Looks up what there is, old being empty where there is none; an alias is
 * told of: -1, as trouble is.
 */
static int
look_up(struct import *im, const char *address, struct account *old)
{
	int found;

	memset(old, 0, sizeof(*old));
	found = accounts_edit_get(im->edit, address, old, im->err, ERR_SIZE);
	if (found == ACCOUNTS_ALIAS)
		return error_set(im->err, ERR_SIZE, "%s is an alias of %s",
		    address, old->alias_of);
	return found;
}

/* One more warning about a line. */
static void __attribute__((format(printf, 2, 3)))
warn_of(char why[ERR_SIZE], const char *fmt, ...)
{
	va_list ap;
	size_t len = strlen(why);

	if (len > 0)
		len += strlcpy(why + len, "; ", ERR_SIZE - len);
	if (len >= ERR_SIZE)
		return;
	va_start(ap, fmt);
	vsnprintf(why + len, ERR_SIZE - len, fmt, ap);
	va_end(ap);
}

/*
 * Nobody is given another one's mail by the way in which paths are made; whom
 * the line itself gives it to, is told.
 */
static int
check_holder(struct import *im, const struct account *account,
    const struct account *old, const struct line *l, char why[ERR_SIZE])
{
	char holder[ADDRESS_MAX + 1];

	if (strcmp(old->maildir, account->maildir) == 0 ||
	    !holders_find(&im->holders, account, holder))
		return 0;
	if (!l->places)
		return error_set(im->err, ERR_SIZE, "%s would have the "
		    "Maildir of %s, %s; let the line give it another one",
		    account->address, holder, account->maildir);
	warn_of(why, HOLDERS_SHARED, holder);
	return 0;
}

static int
put(struct import *im, const struct account *account,
    const struct account *old, const struct line *l, char why[ERR_SIZE])
{
	const int found = old->address[0] != '\0';

	if (check_holder(im, account, old, l, why) == -1 ||
	    accounts_edit_put(im->edit, account, im->err, ERR_SIZE) == -1)
		return -1;
	/* What may be left of another one of that address is not its. */
	if (!found && !im->dry && factors_remove(im->conf->accounts,
		account->address, im->err, ERR_SIZE) == -1)
		return -1;
	if (found)
		revocation_note(&im->revocation, old, account);
	im->accounts++;
	im->added += !found;
	holders_note(&im->holders, account);
	if (!im->dry)
		maildirs_note(&im->maildirs, account);
	return 0;
}

/* The account is what the line says, and nothing of what it was. */
static int
import_account(struct import *im, struct line *l)
{
	static struct account account, old; /* large */
	char why[ERR_SIZE] = "";
	int found;

	if (account_line(&account, im->conf, l->text, im->err, ERR_SIZE) == -1)
		return -1;
	if ((found = look_up(im, account.address, &old)) == -1)
		return -1;
	if (found == 1)
		account.generation = old.generation + 1;
	if (put(im, &account, &old, l, why) == -1)
		return -1;
	tell(im, l, account.address, found == 1 ? "replaced" : "added", why);
	return 0;
}

static int
import_alias(struct import *im, struct line *l)
{
	static struct account alias, old; /* large */
	int found;

	if (account_line_alias(&alias, l->text, im->err, ERR_SIZE) == -1)
		return -1;
	if ((found = look_up(im, alias.alias_of, &old)) == -1)
		return -1;
	if (found == 0)
		return error_set(im->err, ERR_SIZE, "no account %s, whose "
		    "alias it could be", alias.alias_of);
	found = accounts_edit_get(
	    im->edit, alias.address, &old, im->err, ERR_SIZE);
	if (found == 1)
		return error_set(im->err, ERR_SIZE, "%s is an account",
		    alias.address);
	if (found == -1 || accounts_edit_put(im->edit, &alias, im->err,
		ERR_SIZE) == -1)
		return -1;
	im->aliases++;
	tell(im, l, alias.address, "an alias", "");
	return 0;
}

/*
 * A new account is all that the line says; of an old one the password is,
 * which is taken away by none: files without passwords, or with some that are
 * elsewhere by now, would lock everybody out.
 */
static int
set_passwd(struct import *im, const struct line *l, struct account *a,
    enum passwd_kind kind, int found)
{
	const char *hash = kind == PASSWD_HASH ? l->passwd.password :
	    kind == PASSWD_CLEAR ? l->hash : "";
	char why[ERR_SIZE / 2];

	if (found == 1 && kind == PASSWD_NONE && a->hash[0] == '\0')
		return 0;
	if (found == 1 && kind == PASSWD_NONE)
		return error_set(im->err, ERR_SIZE, "%s: the password here is "
		    "locked or empty; the account keeps the one that it has, "
		    "which `pop3ctl set %s password=none' takes away",
		    a->address, a->address);
	if (found == 1 && kind == PASSWD_USELESS) {
		strlcpy(why, im->err, sizeof(why));
		return error_set(im->err, ERR_SIZE, "%s; the account stays as "
		    "it was", why);
	}
	strlcpy(a->hash, hash, sizeof(a->hash));
	a->generation++;
	return 0;
}

static int
import_passwd(struct import *im, struct line *l)
{
	static struct account account, old; /* large */
	char address[ADDRESS_MAX + 1], why[ERR_SIZE] = "";
	enum passwd_kind kind;
	int found;

	if (passwd_line_address(&l->passwd, im->conf, address, im->err,
		ERR_SIZE) == -1)
		return -1;
	kind = passwd_line_kind(&l->passwd, im->err, ERR_SIZE);
	if (kind == PASSWD_BAD)
		return -1;
	if (kind == PASSWD_USELESS)
		warn_of(why, "it has no password: %.*s", ERR_SIZE / 2,
		    im->err);
	if ((found = look_up(im, address, &old)) == -1)
		return -1;
	account = old;
	if (found == 0 &&
	    (account_init(&account, address, im->conf, im->err, ERR_SIZE) ==
		    -1 || passwd_line_apply(&l->passwd, im->conf, &account,
		im->err, ERR_SIZE) == -1))
		return -1;
	if (set_passwd(im, l, &account, kind, found) == -1 ||
	    put(im, &account, &old, l, why) == -1)
		return -1;
	if (found == 0 && passwd_line_has_networks(&l->passwd))
		warn_of(why, "allow_nets does not count here");
	tell(im, l, address, found == 0 ? "added" : kind == PASSWD_NONE ?
	    "has no password, as before" : "its password changed", why);
	return 0;
}

/* Aliases come last: their accounts may stand behind them. */
static void
import_lines(struct import *im)
{
	struct line *l, *end = im->line + im->nlines;
	int rv;

	for (l = im->line; l < end; l++) {
		rv = 0;
		if (l->kind == LINE_PASSWD)
			rv = import_passwd(im, l);
		else if (l->kind == LINE_ACCOUNT)
			rv = import_account(im, l);
		if (rv == -1)
			tell_bad(im, l);
	}
	for (l = im->line; l < end; l++)
		if (l->kind == LINE_ALIAS && import_alias(im, l) == -1)
			tell_bad(im, l);
}

/* Takes a line; CTL_FAILED, told, when there are too many. */
static int
add_line(struct import *im, const char *text)
{
	const size_t room = im->room == 0 ? 1024 : 2 * im->room;
	struct line *l;

	if (im->nlines == im->room) {
		if (im->nlines >= LINES_MAX || (l = reallocarray(im->line,
			room, sizeof(*l))) == NULL)
			return ctl_fail("%s:%lu: too many lines; import them "
			    "in parts", im->file, im->number);
		im->line = l;
		im->room = room;
	}
	l = &im->line[im->nlines++];
	memset(l, 0, sizeof(*l));
	l->number = im->number;
	if ((l->text = strdup(text)) == NULL)
		return ctl_fail("out of memory");
	l->size = strlen(text);
	if (text[strcspn(text, ": \t")] == ':') {
		l->kind = LINE_PASSWD;
		passwd_line_cut(&l->passwd, l->text);
		l->places = passwd_line_places(&l->passwd);
	} else
		l->kind = account_line_is_alias(text) ? LINE_ALIAS :
							LINE_ACCOUNT;
	if (l->kind == LINE_ACCOUNT)
		l->places = account_line_places(text);
	return CTL_GOOD;
}

/* The next line, without its end; the last may have none. */
static enum text_line
read_line(FILE *f, char text[LINE_SIZE])
{
	enum text_line line = text_line(f, text, LINE_SIZE);
	size_t len = strlen(text);

	if (len > 0 && text[len - 1] == '\r')
		text[len - 1] = '\0';
	return strchr(text, '\r') == NULL ? line : TEXT_BAD;
}

static int
read_file(struct import *im, FILE *f)
{
	static char text[LINE_SIZE];
	int status = CTL_GOOD;
	struct line bad = { .kind = LINE_BAD };
	enum text_line what;
	char *line;

	while (status == CTL_GOOD && (what = read_line(f, text)) != TEXT_END) {
		bad.number = ++im->number;
		if (what == TEXT_BAD) {
			(void)error_set(im->err, ERR_SIZE, "the line is too "
			    "long, or has a NUL or a carriage return in it; "
			    "a newline is the end of a line");
			tell_bad(im, &bad);
			continue;
		}
		line = text;
		if (im->number == 1 && strncmp(line, BOM, strlen(BOM)) == 0)
			line += strlen(BOM);
		line += strspn(line, " \t");
		if (line[0] != '\0' && line[0] != '#')
			status = add_line(im, line);
	}
	explicit_bzero(text, sizeof(text));
	if (status == CTL_GOOD && ferror(f))
		status = ctl_fail("%s: %s", im->file, strerror(errno));
	return status;
}

/* A slow hash each; none is kept with -n, and so one is enough. */
static int
hash_passwords(struct import *im)
{
	char hash[HASH_MAX + 1] = "", why[ERR_SIZE], err[ERR_SIZE];
	struct line *l;

	for (l = im->line; l < im->line + im->nlines; l++) {
		if (l->kind != LINE_PASSWD || passwd_line_kind(&l->passwd, why,
			sizeof(why)) != PASSWD_CLEAR)
			continue;
		if ((!im->dry || hash[0] == '\0') &&
		    password_hash(l->passwd.password, hash, sizeof(hash), err,
			sizeof(err)) == -1) {
			strlcpy(im->err, err, sizeof(im->err));
			tell_bad(im, l);
			l->kind = LINE_BAD;
		} else if ((l->hash = strdup(hash)) == NULL)
			return ctl_fail("out of memory");
	}
	explicit_bzero(hash, sizeof(hash));
	return CTL_GOOD;
}

/* There may have been passwords in the lines. */
static void
free_lines(struct import *im)
{
	struct line *l;

	for (l = im->line; l < im->line + im->nlines; l++) {
		freezero(l->hash, l->hash != NULL ? strlen(l->hash) : 0);
		freezero(l->text, l->size);
	}
	free(im->line);
}

/* The accounts are changed: all good lines, or with -s all lines or none. */
static int
change(struct import *im, int all_or_none)
{
	int useful;

	if ((im->edit = ctl_edit(im->conf)) == NULL)
		return CTL_FAILED;
	if (holders_read(&im->holders, accounts_edit_accounts(im->edit),
		im->err, ERR_SIZE) == -1)
		return ctl_edit_end(im->edit, ctl_fail("%s", im->err));
	import_lines(im);
	holders_free(&im->holders);
	useful = !im->dry && (im->bad == 0 || !all_or_none);
	if (!useful || im->accounts + im->aliases == 0)
		accounts_edit_abandon(im->edit);
	else if (ctl_edit_end(im->edit, CTL_GOOD) != CTL_GOOD)
		return CTL_FAILED;
	else
		im->committed = 1;
	if (!im->dry && !useful)
		return ctl_fail("%s: nothing was imported", im->file);
	if (!im->dry)
		(void)maildirs_make(&im->maildirs);
	printf("%s%lu accounts, %lu of them new", im->dry ? "would be " : "",
	    im->accounts, im->added);
	if (im->aliases > 0)
		printf("; %lu aliases", im->aliases);
	putchar('\n');
	if (im->bad == 0)
		return CTL_GOOD;
	return ctl_fail("%s: bad lines, which %s not imported: %lu", im->file,
	    im->dry ? "would be" : "were", im->bad);
}

static int
import_file(struct import *im, FILE *f, int all_or_none)
{
	int status, ended;

	if (revocation_open(&im->revocation, im->conf) != CTL_GOOD)
		return CTL_FAILED;
	status = read_file(im, f);
	if (status == CTL_GOOD)
		status = hash_passwords(im);
	if (status == CTL_GOOD)
		status = change(im, all_or_none);
	free_lines(im);
	fflush(stdout);
	ended = revocation_close(
	    &im->revocation, im->committed ? CTL_GOOD : CTL_FAILED);
	return im->committed && ended != CTL_GOOD ? CTL_FAILED : status;
}

int
ctl_import(const struct args *args)
{
	static struct import im;
	FILE *f = stdin;
	int status;

	im.conf = args->conf;
	im.file = args->word[0];
	im.dry = args->option['n'] != NULL;
	if (strcmp(im.file, "-") != 0 && (f = fopen(im.file, "re")) == NULL)
		return ctl_fail("%s: %s", im.file, strerror(errno));
	status = import_file(&im, f, args->option['s'] != NULL);
	if (f != stdin)
		fclose(f);
	return status;
}
