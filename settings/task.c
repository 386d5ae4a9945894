#include <sys/uio.h>

#include <string.h>

#include "settings/task.h"

/* Does not compile unless every structure fits a message. */
typedef char every_structure_fits_a_message
    [sizeof(struct self_request) <= CHANNEL_MAX &&
		sizeof(struct order) <= CHANNEL_MAX &&
		sizeof(struct visit) <= CHANNEL_MAX &&
		sizeof(struct told) <= CHANNEL_MAX &&
		sizeof(struct done) <= CHANNEL_MAX &&
		sizeof(union page) <= CHANNEL_MAX ?
	    1 :
	    -1];

#define END(array) ((array)[sizeof(array) - 1] = '\0')

static void
end_apps(struct self_apps *apps)
{
	uint32_t i;

	if (apps->n > SELF_APPS)
		apps->n = SELF_APPS;
	for (i = 0; i < apps->n; i++)
		END(apps->app[i].label);
}

static void
end_strings(uint32_t type, void *out)
{
	struct ruling *ruling = out;
	struct order *order = out;
	struct visit *visit = out;
	struct told *told = out;
	struct done *done = out;

	if (type == TASK_RULING) {
		END(ruling->cookie);
		END(ruling->account.address);
	} else if (type == TASK_ORDER) {
		END(order->address);
		END(order->peer);
		(void)self_request_settle(&order->asked);
	} else if (type == TASK_VISIT) {
		END(visit->address);
		END(visit->peer);
		END(visit->maildir);
		END(visit->uidl);
		end_apps(&visit->apps);
	} else if (type == TASK_TOLD) {
		END(told->address);
		END(told->peer);
		END(told->maildir);
		deed_settle(&told->deed);
	} else if (type == TASK_DONE) {
		END(done->account.address);
		deed_settle(&done->deed);
	}
}

int
task_get(const struct message *m, uint32_t type, void *out, size_t size)
{
	if (!channel_is(m, type, size))
		return 0;
	memcpy(out, m->data, size);
	end_strings(type, out);
	return 1;
}

int
task_send(int fd, uint32_t type, const void *data, size_t len)
{
	const struct iovec iov[2] = { { &type, sizeof(type) },
		{ (void *)(uintptr_t)data, len } };

	return writev(fd, iov, 2) == (ssize_t)(sizeof(type) + len) ? 0 : -1;
}
