#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "configtest/postfix.h"
#include "configtest/sending.h"
#include "configtest/tell.h"

/* Below Postfix's queue; etc/pop3sasl.socket listens there. */
#define SOCKET "private/pop3sasl"

static int
is_pop3sasl(const struct postfix_login *l)
{
	const char *name = strrchr(l->path, '/');

	return strcmp(l->type, "dovecot") == 0 && name != NULL &&
	    strcmp(name, "/pop3sasl") == 0;
}

static int
absolute(char path[PATH_MAX], const struct postfix *p, const char *name)
{
	int n = name[0] == '/' ? snprintf(path, PATH_MAX, "%s", name) :
	    snprintf(path, PATH_MAX, "%s/%s", p->queue, name);

	return n < 0 || n >= PATH_MAX ? -1 : 0;
}

/* Returns 0, or why nobody answers there, an errno value. */
static int
try_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, error;

	if (strlcpy(address.sun_path, path, sizeof(address.sun_path)) >=
	    sizeof(address.sun_path))
		return ENAMETOOLONG;
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		return errno;
	error = connect(fd, (struct sockaddr *)&address, sizeof(address)) ==
	    -1 ? errno : 0;
	close(fd);
	return error;
}

/* To connect takes the right to write. */
static int
may_connect(const struct stat *st, const struct passwd *pw)
{
	if (pw->pw_uid == st->st_uid)
		return (st->st_mode & S_IWUSR) != 0;
	if (pw->pw_gid == st->st_gid)
		return (st->st_mode & S_IWGRP) != 0;
	return (st->st_mode & S_IWOTH) != 0;
}

/* Can everybody on this machine?  A directory may be in their way. */
static int
is_public(const char *path, const struct stat *st)
{
	char directory[PATH_MAX];
	struct stat above;
	char *slash;

	strlcpy(directory, path, sizeof(directory));
	if ((slash = strrchr(directory, '/')) == NULL)
		return 0;
	*slash = '\0';
	return (st->st_mode & S_IWOTH) != 0 && stat(directory, &above) == 0 &&
	    (above.st_mode & S_IXOTH) != 0;
}

static void
check_rights(const struct postfix *p, const char *where, const char *path)
{
	const struct passwd *pw = getpwnam(p->owner);
	struct stat st;

	if (pw == NULL || stat(path, &st) == -1)
		return;
	if (!may_connect(&st, pw))
		tell_warning(where, "%s, who asks who may send, may not "
		    "connect to %s; its unit says who may, in SocketUser= and "
		    "SocketMode=", p->owner, path);
	if (is_public(path, &st))
		tell_warning(where, "every user of this machine can connect "
		    "to %s, and guess passwords there; let its unit say "
		    "SocketMode=0660", path);
}

/* Nothing is asked of pop3sasl there: a connection that ends is no news. */
static void
check_socket(const struct postfix *p, const struct postfix_login *l)
{
	char where[PATH_MAX + 16], path[PATH_MAX];
	int error;

	snprintf(where, sizeof(where), "%s/%s", p->directory,
	    l->service[0] == '\0' ? "main.cf" : "master.cf");
	if (absolute(path, p, l->path) == -1)
		return;
	error = try_connect(path);
	if (error == 0)
		check_rights(p, where, path);
	else if (error != EACCES || geteuid() == 0)
		tell_warning(where, "smtpd_sasl_path %s: nobody answers at %s "
		    "(%s), so that nobody can send; systemctl enable --now "
		    "pop3sasl.socket", l->path, path, strerror(error));
}

/*
 * Postfix asks somebody else, or nobody; was pop3sasl meant?  Who it is that
 * listens at a port (inet:) cannot be told.
 */
static void
check_meant(const struct postfix *p, const struct postfix_login *enabled)
{
	char where[PATH_MAX + 16], path[PATH_MAX];
	struct stat st;

	if (enabled != NULL && strncmp(enabled->path, "inet:", 5) == 0)
		return;
	snprintf(where, sizeof(where), "%s/main.cf", p->directory);
	if (!is_pop3sasl(&p->login[0]) &&
	    (absolute(path, p, SOCKET) == -1 || stat(path, &st) == -1))
		return;
	if (enabled == NULL)
		tell_warning(where, "there is pop3sasl, and nobody can log in "
		    "to send: smtpd_sasl_auth_enable is nowhere yes; "
		    "pop3sasl(8) has the lines of master.cf");
	else
		tell_warning(where, "there is pop3sasl, and Postfix asks "
		    "another who may send (%s, %s); say smtpd_sasl_type = "
		    "dovecot and smtpd_sasl_path = " SOCKET, enabled->type,
		    enabled->path);
}

void
sending_check(void)
{
	static struct postfix p; /* large */
	const struct postfix_login *l, *enabled = NULL, *ours = NULL;

	if (postfix_ask(&p) == -1)
		return;
	for (l = p.login; l < p.login + p.n; l++) {
		if (strcmp(l->enabled, "yes") != 0)
			continue;
		enabled = l;
		if (ours == NULL && is_pop3sasl(l))
			ours = l;
	}
	if (ours != NULL)
		check_socket(&p, ours);
	else
		check_meant(&p, enabled);
}
