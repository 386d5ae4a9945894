#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auth/factors.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "settings/change.h"
#include "settings/clerk.h"
#include "settings/task.h"

static enum self_result
count_try(struct factors *f, const struct order *o)
{
	const int64_t now = (int64_t)time(NULL);

	(void)o;
	if (!factors_may_try(f, now))
		return SELF_GUESSES;
	factors_count_try(f, now);
	return SELF_GOOD;
}

/* A step counts once; so does the right to try. */
static enum self_result
use_step(struct factors *f, const struct order *o)
{
	if (o->step <= f->step)
		return SELF_CODE_WRONG;
	f->step = o->step;
	f->tries = 0;
	return SELF_GOOD;
}

static enum self_result
use_recovery(struct factors *f, const struct order *o)
{
	size_t i;

	for (i = 0; i < f->nrecovery; i++)
		if (digest_same(f->recovery[i], o->digest))
			break;
	if (i == f->nrecovery)
		return SELF_CODE_WRONG;
	f->nrecovery--;
	memmove(f->recovery[i], f->recovery[i + 1],
	    (f->nrecovery - i) * sizeof(f->recovery[0]));
	memset(f->recovery[f->nrecovery], 0, sizeof(f->recovery[0]));
	f->tries = 0;
	return SELF_GOOD;
}

static enum self_result
use_invitation(struct factors *f, const struct order *o)
{
	if (f->invited <= (int64_t)time(NULL) ||
	    !digest_same(f->invitation, o->digest))
		return SELF_REFUSED;
	f->invited = 0;
	memset(f->invitation, 0, sizeof(f->invitation));
	return SELF_GOOD;
}

static enum self_result
forget_tries(struct factors *f, const struct order *o)
{
	(void)o;
	f->tries = 0;
	return SELF_GOOD;
}

static enum self_result
sign_out(struct factors *f, const struct order *o)
{
	(void)o;
	f->signed_out = clock_ns() / 1000000;
	return SELF_GOOD;
}

static enum self_result (*const acts[])(
    struct factors *, const struct order *) = {
	[ACT_TRY] = count_try,
	[ACT_STEP] = use_step,
	[ACT_RECOVERY] = use_recovery,
	[ACT_INVITATION] = use_invitation,
	[ACT_PROVED] = forget_tries,
	[ACT_SIGN_OUT] = sign_out,
};

/* One of these, under the lock: whoever has used something has used it up. */
static enum self_result
do_act(const struct conf *conf, const struct order *o)
{
	struct factors_edit edit;
	struct factors f;
	enum self_result result;
	char err[512];
	int rv;

	rv = factors_edit_begin(
	    &edit, conf->accounts, o->address, &f, err, sizeof(err));
	if (rv == -1) {
		log_warn("%s", err);
		return SELF_TROUBLE;
	}
	result = acts[o->act](&f, o);
	if (result != SELF_GOOD)
		factors_edit_abandon(&edit);
	else
		rv = factors_edit_commit(&edit, &f, err, sizeof(err));
	explicit_bzero(&f, sizeof(f));
	if (rv == 0)
		return result;
	log_warn("%s", err);
	return SELF_TROUBLE;
}

static void
answer(const struct clerk_fds *fds, const struct done *done, int fd)
{
	if (channel_send_fds(fds->auth, TASK_DONE, done, sizeof(*done), &fd,
		fd == -1 ? 0 : 1) == -1)
		_exit(0);
	if (fd != -1)
		close(fd);
}

static void
hand_over(const struct conf *conf, const struct clerk_fds *fds,
    const struct order *o)
{
	struct done done = { .result = SELF_GOOD };
	char err[512];
	int fd = -1;

	if (factors_open(conf->accounts, o->address, &fd, err,
		sizeof(err)) == -1) {
		log_warn("%s", err);
		done.result = SELF_TROUBLE;
	}
	answer(fds, &done, fd);
}

static void
obey(const struct conf *conf, const struct clerk_fds *fds,
    const struct order *o)
{
	struct done done;

	memset(&done, 0, sizeof(done));
	if (o->act == ACT_FACTORS) {
		hand_over(conf, fds, o);
		return;
	}
	if (o->act == ACT_CHANGE)
		change_run(conf, fds, o, &done);
	else
		done.result = do_act(conf, o);
	answer(fds, &done, -1);
}

/* The directory that the accounts are in. */
static void
directory_of(const struct conf *conf, char dir[PATH_MAX])
{
	char *slash;

	strlcpy(dir, conf->accounts, PATH_MAX);
	slash = strrchr(dir, '/');
	slash[slash == dir] = '\0';
}

void
clerk_run(const struct conf *conf, const struct clerk_fds *fds)
{
	static struct message m;
	static struct order o; /* large */
	char dir[PATH_MAX];

	directory_of(conf, dir);
	if (sandbox_clerk(
		dir, fds->auth, fds->desk, conf->sandbox_required) == -1)
		_exit(1);
	while (channel_recv(fds->auth, &m) == 1) {
		if (!task_get(&m, TASK_ORDER, &o, sizeof(o)) ||
		    o.act > ACT_CHANGE) {
			log_warn("clerk: not an order");
			_exit(1);
		}
		explicit_bzero(&m, sizeof(m));
		obey(conf, fds, &o);
		explicit_bzero(&o, sizeof(o));
	}
	_exit(0);
}
