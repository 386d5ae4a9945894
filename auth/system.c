#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "auth/system.h"
#include "common/channel.h"
#include "common/log.h"

/* The local user that a login means: NAME or NAME@hostname. */
static int
local_name(const char *user, const char *hostname, char *name, size_t size)
{
	const char *at = strchr(user, '@');
	size_t len = at == NULL ? strlen(user) : (size_t)(at - user);

	if (len == 0 || len >= size ||
	    (at != NULL && strcasecmp(at + 1, hostname) != 0))
		return -1;
	memcpy(name, user, len);
	name[len] = '\0';
	return 0;
}

/* Somebody whose shell is none, or not one for people, may not log in. */
static int
has_login_shell(const struct passwd *pw)
{
	const char *shell, *own = pw->pw_shell;
	int found = 0;

	if (own == NULL || own[0] == '\0')
		own = "/bin/sh";
	while (!found && (shell = getusershell()) != NULL)
		found = strcmp(shell, own) == 0;
	endusershell();
	return found && strstr(own, "nologin") == NULL;
}

static int
fill_verdict(struct msg_verdict *v, const struct passwd *pw)
{
	memset(v, 0, sizeof(*v));
	if (strlcpy(v->address, pw->pw_name, sizeof(v->address)) >=
		sizeof(v->address) ||
	    pw->pw_dir[0] != '/' ||
	    (size_t)snprintf(v->maildir, sizeof(v->maildir), "%s/Maildir",
		pw->pw_dir) >= sizeof(v->maildir))
		return 0;
	v->uid = pw->pw_uid;
	v->gid = pw->pw_gid;
	v->spam = SPAM_EXCLUDE;
	v->auto_delete = 1;
	return 1;
}

/*
 * The system is asked in any case, so that who may not log in takes as long
 * as who has mistyped (I9).
 */
static int
answer(const struct conf *conf, const char *peer,
    const struct msg_login *login, struct msg_verdict *verdict)
{
	char name[ADDRESS_MAX + 1];
	struct passwd *pw = NULL;
	int good;

	if (local_name(login->user, conf->hostname, name, sizeof(name)) == -1)
		name[0] = '\0';
	/* PAM's modules look users up, too, in the same static memory. */
	good = system_password(name, login->password, peer);
	if (!good || (pw = getpwnam(name)) == NULL)
		return 0;
	if (pw->pw_uid == 0 || !has_login_shell(pw)) {
		log_info("system: %s may not have mail: %s", pw->pw_name,
		    pw->pw_uid == 0 ? "root" : "no login shell");
		return 0;
	}
	return fill_verdict(verdict, pw);
}

static void __attribute__((noreturn))
serve(const struct conf *conf, const char *peer, int channel)
{
	static struct message m;
	struct msg_verdict verdict;
	struct msg_login login;
	int good;

	while (channel_recv(channel, &m) == 1) {
		if (!channel_is(&m, MSG_LOGIN, sizeof(login)))
			break;
		memcpy(&login, m.data, sizeof(login));
		explicit_bzero(&m, sizeof(m));
		login.user[sizeof(login.user) - 1] = '\0';
		login.password[sizeof(login.password) - 1] = '\0';
		memset(&verdict, 0, sizeof(verdict));
		good = answer(conf, peer, &login, &verdict);
		explicit_bzero(&login, sizeof(login));
		if (channel_send(channel, good ? MSG_VERDICT : MSG_DENIED,
			&verdict, good ? sizeof(verdict) : 0) == -1)
			break;
	}
	_exit(0);
}

int
system_start(const struct conf *conf, const char *peer, const int *keep_out,
    int nkeep_out)
{
	int fd[2];
	pid_t pid;

	if (channel_pair(fd) == -1 || (pid = fork()) == -1) {
		log_warn("auth system: %s", strerror(errno));
		return -1;
	}
	if (pid == 0) {
		close(fd[0]);
		while (nkeep_out > 0)
			close(keep_out[--nkeep_out]);
		serve(conf, peer, fd[1]);
	}
	close(fd[1]);
	return fd[0];
}

int
system_check(int channel, const struct msg_login *login,
    struct msg_verdict *verdict)
{
	static struct message m;

	if (channel_send(channel, MSG_LOGIN, login, sizeof(*login)) == -1 ||
	    channel_recv(channel, &m) != 1) {
		log_warn("auth system: the process that asks the system died");
		return -1;
	}
	if (channel_is(&m, MSG_DENIED, 0))
		return 0;
	if (!channel_is(&m, MSG_VERDICT, sizeof(*verdict)))
		return -1;
	memcpy(verdict, m.data, sizeof(*verdict));
	return 1;
}
