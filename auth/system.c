#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "auth/system.h"
#include "common/channel.h"
#include "common/log.h"
#include "common/sandbox.h"

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

/* Users whose shell is not in shells(5), or is nologin, may not log in. */
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

/* Why the user has no mail here, for the log; NULL: he has. */
static const char *
obstacle_of(const struct passwd *pw)
{
	if (pw->pw_uid == 0)
		return "root";
	return has_login_shell(pw) ? NULL : "no login shell";
}

int
system_user(const struct passwd *pw, struct account *a)
{
	memset(a, 0, sizeof(*a));
	if (obstacle_of(pw) != NULL ||
	    strlcpy(a->address, pw->pw_name, sizeof(a->address)) >=
		sizeof(a->address) ||
	    pw->pw_dir[0] != '/' ||
	    (size_t)snprintf(a->maildir, sizeof(a->maildir), "%s/Maildir",
		pw->pw_dir) >= sizeof(a->maildir))
		return 0;
	a->uid = pw->pw_uid;
	a->gid = pw->pw_gid;
	a->access = ACCESS_ALL;
	a->policy.spam = SPAM_EXCLUDE;
	a->policy.keep = FOR_EVER;
	a->policy.auto_delete = 1;
	a->send = 1;
	return 1;
}

int
system_account(
    const struct conf *conf, const char *user, struct account *account)
{
	char name[ADDRESS_MAX + 1];
	struct passwd *pw;

	return local_name(user, conf->hostname, name, sizeof(name)) == 0 &&
	    (pw = getpwnam(name)) != NULL && system_user(pw, account);
}

static int
system_verdict(struct msg_verdict *v, const struct passwd *pw)
{
	static struct account account; /* large */

	memset(v, 0, sizeof(*v));
	if (!system_user(pw, &account))
		return 0;
	strlcpy(v->address, account.address, sizeof(v->address));
	strlcpy(v->maildir, account.maildir, sizeof(v->maildir));
	v->uid = account.uid;
	v->gid = account.gid;
	v->policy = account.policy;
	v->home = 1;
	return 1;
}

/*
 * The system is asked in any case, so that who may not log in takes as long
 * as who has mistyped (I9).
 */
static int
system_judge(const struct conf *conf, const struct msg_login *login,
    struct msg_verdict *verdict)
{
	char name[ADDRESS_MAX + 1];
	struct passwd *pw = NULL;
	int good;

	if (local_name(login->user, conf->hostname, name, sizeof(name)) == -1)
		name[0] = '\0';
	/* PAM's modules look users up, too, in the same static memory. */
	good = system_password(name, login->password, login->peer);
	if (!good || (pw = getpwnam(name)) == NULL)
		return 0;
	if (obstacle_of(pw) != NULL) {
		log_info("system: %s may not have mail: %s", pw->pw_name,
		    obstacle_of(pw));
		return 0;
	}
	return system_verdict(verdict, pw);
}

/* Answers one question: 0, or -1 when auth has gone. */
static int
system_serve_one(
    const struct conf *conf, int channel, const struct msg_login *login)
{
	struct msg_denied denied = { login->id, 0 };
	struct msg_verdict verdict;

	if (system_judge(conf, login, &verdict))
		return channel_send(
		    channel, MSG_VERDICT, &verdict, sizeof(verdict));
	return channel_send(channel, MSG_DENIED, &denied, sizeof(denied));
}

static void __attribute__((noreturn))
system_serve(const struct conf *conf, int channel)
{
	static struct message m;
	struct msg_login login;
	int rv = 0;

	while (rv == 0 && channel_recv(channel, &m) == 1 &&
	    message_get(&m, MSG_LOGIN, &login, sizeof(login))) {
		explicit_bzero(&m, sizeof(m));
		rv = system_serve_one(conf, channel, &login);
		explicit_bzero(&login, sizeof(login));
	}
	_exit(0);
}

/*
 * The system may take its time, and when auth is killed meanwhile nobody
 * would end this process, which is root.  So a child of it, in a process
 * group with it and whatever the system starts, waits for the end of auth,
 * which alone has the other end of alive, and kills them all.
 */
static int
system_watch(int alive)
{
	pid_t pid;
	char c;

	if (setpgid(0, 0) == -1 || (pid = fork()) == -1) {
		log_warn("auth system: %s", strerror(errno));
		return -1;
	}
	if (pid != 0) {
		close(alive);
		return 0;
	}
	if (dup2(alive, 0) != -1)
		closefrom(1);
	while (read(0, &c, 1) == -1 && errno == EINTR)
		continue;
	(void)kill(0, SIGKILL);
	_exit(0);
}

int
system_start(const struct conf *conf, const int *keep_out, int nkeep_out)
{
	int fd[2], alive[2];
	pid_t pid;

	if (channel_pair(fd) == -1 || pipe2(alive, O_CLOEXEC) == -1 ||
	    (pid = fork()) == -1) {
		log_warn("auth system: %s", strerror(errno));
		return -1;
	}
	if (pid == 0) {
		close(fd[0]);
		close(alive[1]);
		while (nkeep_out > 0)
			close(keep_out[--nkeep_out]);
		if (system_watch(alive[0]) == -1 || sandbox_system() == -1)
			_exit(1);
		system_serve(conf, fd[1]);
	}
	close(fd[1]);
	close(alive[0]);
	return fd[0]; /* alive[1] stays open until auth ends */
}

int
system_ask(int channel, const struct msg_login *login)
{
	if (channel_send(channel, MSG_LOGIN, login, sizeof(*login)) == 0)
		return 0;
	log_warn("auth system: the process that asks the system died");
	return -1;
}

int
system_answer(int channel, struct msg_verdict *verdict)
{
	static struct message m;
	struct msg_denied denied;

	if (channel_recv(channel, &m) != 1) {
		log_warn("auth system: the process that asks the system died");
		return -1;
	}
	if (message_get(&m, MSG_DENIED, &denied, sizeof(denied)))
		return 0;
	return message_get(&m, MSG_VERDICT, verdict, sizeof(*verdict)) ? 1 :
									  -1;
}
