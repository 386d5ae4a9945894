#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/accounts.h"
#include "auth/system.h"
#include "common/linkage.h"
#include "common/privdrop.h"
#include "configtest/configtest.h"
#include "configtest/keypairs.h"
#include "configtest/mailboxes.h"
#include "configtest/sending.h"
#include "configtest/tell.h"
#include "configtest/view.h"
#include "ctl/settings.h"

#define LABEL_OF_NAME_MAX 63  /* octets between dots: RFC 1035, 2.3.4 */
#define IDLE_LEAST	  600 /* seconds: RFC 1939, section 3 */
#define LINE_SIZE	  512 /* of nsswitch.conf */
#define SOURCES		  "/etc/nsswitch.conf"
#define UNIT_SESSIONS	  200 /* etc/pop3d-listener.service has room for */
#define UNIT_TASKS(n)	  (5 * (n) + 20)
#define UNIT_MB(n)	  (8 * (n) + 512)

static void
tell_line(const char *what)
{
	(void)tell_wrong("%s", what);
}

/* Labels of letters, digits and hyphens; and no address of IPv4. */
static int
is_name_of_host(const char *name)
{
	const char *last = name;
	size_t len;

	for (;; name += len + 1) {
		len = strspn(name, "abcdefghijklmnopqrstuvwxyz"
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
		if (len == 0 || len > LABEL_OF_NAME_MAX || name[0] == '-' ||
		    name[len - 1] == '-')
			return 0;
		last = name;
		if (name[len] == '\0')
			break;
		if (name[len] != '.')
			return 0;
	}
	return strspn(last, "0123456789") != strlen(last);
}

static void
check_values(const struct conf *conf)
{
	char where[CONF_PLACE_SIZE];
	size_t i;

	if (!is_name_of_host(conf->hostname))
		(void)tell_wrong("%s: hostname: %s is not the name of a host; "
		    "give it like mail.example.com",
		    conf_place(conf, "hostname", where), conf->hostname);
	for (i = 0; i < conf->noutgoing; i++)
		if (!is_name_of_host(conf->outgoing[i].host))
			(void)tell_wrong("%s: outgoing: %s is not the name of "
			    "a host; give it like smtp.example.com",
			    conf_place(conf, "outgoing", where),
			    conf->outgoing[i].host);
	if (conf->maildir[0] != '~' && strstr(conf->maildir, "%u") == NULL &&
	    strstr(conf->maildir, "%a") == NULL)
		(void)tell_wrong("%s: maildir: %s is one mailbox for all; put "
		    "%%u into it, which is the part before the @",
		    conf_place(conf, "maildir", where), conf->maildir);
	if (conf->idle_timeout < IDLE_LEAST)
		tell_warning(conf_place(conf, "timeout", where), "timeout idle "
		    "%d: RFC 1939 asks for %d at least, and clients rely on "
		    "it", conf->idle_timeout, IDLE_LEAST);
}

static void
check_listener(const struct conf *conf)
{
	const int max = conf->max_sessions;
	char where[CONF_PLACE_SIZE];

	if (max > UNIT_SESSIONS)
		tell_warning(conf_place(conf, "max-sessions", where),
		    "max-sessions %d: systemd's unit has room for %d; let it "
		    "have TasksMax=%d and MemoryMax=%dM: systemctl edit "
		    "pop3d-listener.service", max, UNIT_SESSIONS,
		    UNIT_TASKS(max), UNIT_MB(max));
	if (conf->max_sessions_per_address >= max)
		tell_warning(conf_place(conf, "max-sessions-per-address",
		    where), "max-sessions-per-address %d: one address can take "
		    "all places there are, which are %d",
		    conf->max_sessions_per_address, max);
}

/* Returns the user, or NULL after a line. */
static const struct passwd *
check_user(const struct conf *conf, const char *keyword, const char *name)
{
	char where[CONF_PLACE_SIZE];
	struct passwd *pw = getpwnam(name);

	(void)conf_place(conf, keyword, where);
	if (pw == NULL)
		(void)tell_wrong("%s: %s: there is no user %s; create it, or "
		    "name another", where, keyword, name);
	else if (pw->pw_uid == 0 || pw->pw_gid == 0) {
		(void)tell_wrong("%s: %s: %s is root; name another user",
		    where, keyword, name);
		pw = NULL;
	}
	return pw;
}

static void
check_users(const struct conf *conf)
{
	const struct passwd *pw;
	char where[CONF_PLACE_SIZE];
	uid_t user = 0;

	if (geteuid() == 0 &&
	    (pw = check_user(conf, "user", conf->user)) != NULL)
		user = pw->pw_uid;
	if (conf->owner == NULL ||
	    (pw = check_user(conf, "owner", conf->owner)) == NULL)
		return;
	if (pw->pw_uid == user)
		(void)tell_wrong("%s: owner: %s is user as well, who talks to "
		    "the network and is to own nothing; name another",
		    conf_place(conf, "owner", where), conf->owner);
}

static void
check_presets(const struct conf *conf)
{
	static struct account account; /* large */
	char err[512];
	size_t i;

	for (i = 0; i < conf->npreset; i++)
		if (settings_preset_one(&account, conf, &conf->preset[i], err,
			sizeof(err)) == -1)
			(void)tell_wrong("%s", err);
}

/* The first source of users in a line of nsswitch.conf that is not files. */
static const char *
other_source(char *line)
{
	char *word, *last;

	if (strncmp(line, "passwd:", strlen("passwd:")) != 0)
		return NULL;
	line[strcspn(line, "#\n")] = '\0';
	word = strtok_r(line + strlen("passwd:"), " \t", &last);
	/* In brackets: what to do next.  systemd's users have no mail. */
	while (word != NULL && (strcmp(word, "files") == 0 ||
		   strcmp(word, "systemd") == 0 || word[0] == '['))
		word = strtok_r(NULL, " \t", &last);
	return word;
}

static void
check_sources(void)
{
	char line[LINE_SIZE];
	const char *source = NULL;
	FILE *f;

	if (!linkage_is_static() || (f = fopen(SOURCES, "re")) == NULL)
		return;
	while (source == NULL && fgets(line, sizeof(line), f) != NULL)
		source = other_source(line);
	if (source != NULL)
		tell_warning(SOURCES, "this program is linked statically and "
		    "knows no users from %s, only those of /etc/passwd; build "
		    "it without STATIC=1", source);
	(void)fclose(f);
}

static void
check_system(const struct conf *conf)
{
	const char *obstacle;

	if (geteuid() == 0 && !privdrop_empty_dir(EMPTY_DIR))
		(void)tell_wrong("%s must be an empty directory that only "
		    "root can write to; empty it, chown root and chmod 0755 "
		    "it", EMPTY_DIR);
	if (conf->auth_system && (obstacle = system_obstacle()) != NULL)
		tell_warning(conf->file, "auth system: %s", obstacle);
	check_sources();
}

/* All of them: what a login would find damaged is found here. */
static void
read_accounts(const struct conf *conf, const char *where)
{
	static struct account account; /* large */
	struct accounts *accounts;
	char err[512];
	int found;

	if (accounts_open(&accounts, conf->accounts, err, sizeof(err)) == -1) {
		(void)tell_wrong("%s: accounts: %s", where, err);
		return;
	}
	do {
		found = accounts_next(accounts, &account, err, sizeof(err));
		if (found == 1)
			mailboxes_try(conf, where, &account);
		else if (found == -1 || found == ACCOUNTS_BAD)
			(void)tell_wrong("%s: accounts: %s", where, err);
	} while (found != 0 && found != -1);
	accounts_close(accounts);
	explicit_bzero(&account, sizeof(account));
}

static void
check_accounts(const struct conf *conf)
{
	struct stat st;
	char where[CONF_PLACE_SIZE];
	int readable;

	if (!conf->auth_accounts)
		return;
	(void)conf_place(conf, "accounts", where);
	view_directory(where, "accounts", conf->accounts);
	if (stat(conf->accounts, &st) == -1)
		(void)tell_wrong("%s: accounts %s: %s; `pop3ctl add' makes "
		    "the first", where, conf->accounts, strerror(errno));
	else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		(void)tell_wrong("%s: accounts %s: others than its owner have "
		    "access; chmod 0600 %s", where, conf->accounts,
		    conf->accounts);
	else {
		view_enter();
		readable = view_readable(where, "accounts", conf->accounts);
		view_leave();
		if (readable == 0)
			read_accounts(conf, where);
	}
}

/* Where it is missing pop3settings makes it. */
static void
check_cookie_key(const struct conf *conf)
{
	struct stat st;
	char where[CONF_PLACE_SIZE];

	if (stat(conf->cookie_key, &st) == -1 ||
	    (st.st_mode & (S_IRWXG | S_IRWXO)) == 0)
		return;
	(void)tell_wrong("%s: cookie-key %s: others than its owner have "
	    "access; remove it, and a new one is made",
	    conf_place(conf, "cookie-key", where), conf->cookie_key);
}

/* A first login makes what is missing of homes; nobody makes this. */
static void
check_spool(const struct conf *conf)
{
	char where[CONF_PLACE_SIZE], path[PATH_MAX];
	char *slash;

	if (conf->spool == NULL)
		return;
	(void)conf_place(conf, "spool", where);
	if (!conf->auth_system)
		tell_warning(where, "spool is for local users; say auth "
		    "system, too, or remove the line");
	strlcpy(path, conf->spool, sizeof(path));
	/* The directories that all users share. */
	while (strchr(path, '%') != NULL &&
	    (slash = strrchr(path, '/')) != NULL && slash > path)
		*slash = '\0';
	if (access(path, X_OK) == -1)
		tell_warning(where, "spool %s: %s: %s", conf->spool, path,
		    strerror(errno));
}

int
configtest(struct conf *conf, const char *file)
{
	if (conf_load_all(conf, file, tell_line) == -1)
		return 1;
	(void)view_ours(file, "the configuration", file);
	view_directory(file, "the configuration", file);
	check_values(conf);
	check_listener(conf);
	check_users(conf);
	check_presets(conf);
	keypairs_check(conf);
	check_system(conf);
	check_accounts(conf);
	check_cookie_key(conf);
	check_spool(conf);
	sending_check();
	if (tell_count() > 0)
		return 1;
	puts("configuration OK");
	return 0;
}
