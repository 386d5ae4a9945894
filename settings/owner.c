#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privdrop.h"
#include "ctl/pipe.h"
#include "ctl/revoke.h"
#include "settings/kept.h"
#include "settings/owner.h"
#include "settings/past.h"
#include "settings/task.h"
#include "settings/tell.h"

static enum self_result (*const looks[SELF_WANTS])(
    const struct conf *, const struct visit *, union page *) = {
	[SELF_OVERVIEW] = past_overview,
	[SELF_APPS_LIST] = past_apps,
	[SELF_ACTIVITY] = past_activity,
};

/* These may take long, and are told by the desk's end that nobody waits. */
static enum self_result (*const works[SELF_WANTS])(
    const struct conf *, const struct visit *, int desk, union page *) = {
	[SELF_KEPT_LIST] = kept_list,
	[SELF_REQUEUE] = kept_requeue,
};

static int
is_visit(const struct message *m, struct visit *v)
{
	return task_get(m, TASK_VISIT, v, sizeof(*v)) &&
	    v->want < SELF_WANTS &&
	    (looks[v->want] != NULL || works[v->want] != NULL);
}

/* From here on it can do no more than the mailbox's owner. */
static void
become(const struct identity *as, const struct owner_fds *fds, uid_t uid,
    gid_t gid)
{
	close(fds->clerk);
	if (as->root && privdrop(uid, gid, NULL) == -1)
		_exit(1);
}

static enum self_result
look_or_work(const struct conf *conf, const struct owner_fds *fds,
    const struct visit *v)
{
	static union page page; /* large */
	enum self_result result;

	if (looks[v->want] != NULL)
		result = looks[v->want](conf, v, &page);
	else
		result = works[v->want](conf, v, fds->desk, &page);
	if (result == SELF_GOOD)
		(void)task_send(fds->desk, TASK_PAGE, &page, sizeof(page));
	return result;
}

static void __attribute__((noreturn))
visit(const struct conf *conf, const struct identity *as,
    const struct owner_fds *fds)
{
	static struct message m;
	static struct visit v;
	static struct told told; /* all of these are large */
	struct done done;

	memset(&done, 0, sizeof(done));
	if (channel_recv(fds->auth, &m) != 1)
		_exit(0);
	if (is_visit(&m, &v)) {
		become(as, fds, v.uid, v.gid);
		done.result = look_or_work(conf, fds, &v);
	} else if (task_get(&m, TASK_TOLD, &told, sizeof(told))) {
		become(as, fds, told.uid, told.gid);
		tell_told(conf, &told);
	} else {
		log_warn("owner: not a visit");
		_exit(1);
	}
	(void)task_send(fds->auth, TASK_DONE, &done, sizeof(done));
	_exit(0);
}

static void
end_sessions(const struct conf *conf, int clerk)
{
	int status = revocation_serve(conf, clerk);

	(void)pipe_write(clerk, &status, sizeof(status));
}

void
owner_serve(const struct conf *conf, const struct identity *as,
    const struct owner_fds *fds)
{
	struct pollfd p[2] = { { fds->auth, POLLIN, 0 },
		{ fds->clerk, POLLIN, 0 } };

	while (poll(p, 2, -1) > 0 || errno == EINTR) {
		if ((p[1].revents & POLLIN) != 0)
			end_sessions(conf, fds->clerk);
		/* It ends with auth, and nobody else wants anything. */
		if ((p[1].revents & POLLHUP) != 0)
			break;
		if ((p[0].revents & POLLIN) != 0)
			visit(conf, as, fds);
		if (p[0].revents != 0)
			p[0].fd = -1;
	}
}
