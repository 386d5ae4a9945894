/*
 * pop3ctl who, kick.
 */
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "auth/system.h"
#include "common/log.h"
#include "ctl/ctl.h"
#include "ctl/owner.h"
#include "ctl/sessions.h"
#include "store/lock.h"

struct list {
	const struct conf *conf;
	int json;
	unsigned long n;
};

static void
print_text(const struct target *t, const struct session *s)
{
	char safe[LOG_SAFE_MAX];

	printf("%s", t->address);
	if (s->pid != LOCK_ELSEWHERE)
		printf(" pid=%ld", (long)s->pid);
	else
		printf(" host=%s", s->host[0] == '\0' ? "another" :
		    log_safe(safe, sizeof(safe), s->host));
	if (s->known)
		printf(" since=%s", log_safe(safe, sizeof(safe), s->since));
	if (s->known)
		printf(" peer=%s", log_safe(safe, sizeof(safe), s->peer));
	if (s->known && s->label[0] != '\0')
		printf(" label=%s", log_safe(safe, sizeof(safe), s->label));
	putchar('\n');
}

static void
print_member(const char *key, const char *value)
{
	printf(",\"%s\":", key);
	ctl_json_string(stdout, value);
}

static void
print_json(const struct target *t, const struct session *s, int first)
{
	printf("%s{\"address\":", first ? "[" : ",\n");
	ctl_json_string(stdout, t->address);
	if (s->pid != LOCK_ELSEWHERE)
		printf(",\"pid\":%ld", (long)s->pid);
	else
		print_member("host", s->host);
	if (s->known) {
		print_member("since", s->since);
		print_member("peer", s->peer);
		print_member("label", s->label);
	}
	putchar('}');
}

static int
list_session(struct list *l, const struct target *t)
{
	struct session s;

	if (session_look(l->conf, t, &s) != CTL_GOOD)
		return CTL_FAILED;
	if (s.pid == 0)
		return CTL_GOOD;
	if (l->json)
		print_json(t, &s, l->n == 0);
	else
		print_text(t, &s);
	l->n++;
	return CTL_GOOD;
}

/* Those of them that somebody has. */
static int
list_sessions(const struct target *t, size_t n, void *arg)
{
	char held[TARGETS_AT_ONCE];
	int status = sessions_held(t, n, held);
	size_t i;

	for (i = 0; i < n && !owner_interrupted(); i++)
		if (held[i] && list_session(arg, &t[i]) != CTL_GOOD)
			status = CTL_FAILED;
	return status;
}

/* Those that the system lists: not all that it knows, perhaps. */
static int
list_users(struct list *l)
{
	static struct account account; /* large */
	static struct batch batch;
	struct passwd *pw;
	struct target t;

	batch_init(&batch, list_sessions, l);
	setpwent();
	while (!owner_interrupted() && (pw = getpwent()) != NULL)
		if (system_user(pw, &account)) {
			target_of(&t, &account);
			batch_add(&batch, &t);
		}
	endpwent();
	return batch_end(&batch);
}

int
ctl_who(const struct args *args)
{
	struct list l = { .conf = args->conf,
		.json = args->option['j'] != NULL };
	int status = CTL_GOOD;

	owner_pass_signals();
	if (l.conf->auth_accounts)
		status = targets_each_batch(
		    l.conf, 0, NULL, list_sessions, &l);
	if (l.conf->auth_system && list_users(&l) != CTL_GOOD)
		status = CTL_FAILED;
	if (l.json)
		puts(l.n > 0 ? "]" : "[]");
	return owner_interrupted() ? CTL_FAILED : status;
}

int
ctl_kick(const struct args *args)
{
	static struct hunt hunt; /* large, and zeroed */
	struct targets targets;
	int status = CTL_FAILED;

	owner_pass_signals();
	hunt.conf = args->conf;
	hunt.concerned.all = 1;
	if (targets_open(&targets, args->conf, 1, args->word) != CTL_GOOD)
		return CTL_FAILED;
	if (targets_next(&targets, &hunt.target))
		status = owner_run(hunt.target.address, hunt.target.uid,
		    hunt.target.gid, session_hunt, &hunt);
	if (targets_close(&targets) != CTL_GOOD)
		status = CTL_FAILED;
	return status;
}
