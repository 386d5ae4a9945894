#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/messages.h"
#include "keys/keys.h"
#include "listener/held.h"
#include "listener/renewal.h"

#define LOOK_MS 1000 /* between two looks whether files have changed */

void
renewal_lose(struct listener *l, int n)
{
	struct place *p;

	/* Whatever it died of, the next client is not to wait for long. */
	if (n == l->keyring.serving)
		l->looked = clock_ms() - LOOK_MS;
	keyring_lost(&l->keyring, n);
	for (p = l->places.place; p < l->places.place + l->places.top; p++)
		if (p->taken && p->keys == n) {
			p->keys = KEYS_NONE;
			state_settle(l, p);
		}
}

static void
start_keys(struct listener *l)
{
	int fd[2], n;
	pid_t pid;

	if (state_open_channel(fd) == -1)
		return;
	if ((pid = fork()) == 0) {
		held_leave(-1);
		keys_run(&l->tried->conf, &l->tried->as, fd[0]);
	}
	close(fd[0]);
	if (pid == -1) {
		log_warn("fork: %s", strerror(errno));
		held_close(fd[1]);
		return;
	}
	n = keyring_choose(&l->keyring);
	renewal_lose(l, n);
	keyring_add(&l->keyring, n, pid, fd[1]);
}

void
renewal_begin(struct listener *l)
{
	l->tried = l->serving == &l->setup[0] ? &l->setup[1] : &l->setup[0];
	if (setup_read(l->tried, l->file) == 0)
		start_keys(l);
}

void
renewal_look(struct listener *l)
{
	const int64_t now = clock_ms();

	if (now - l->looked < LOOK_MS || l->keyring.starting != KEYS_NONE)
		return;
	l->looked = now;
	if (l->keyring.serving == KEYS_NONE || setup_has_changed(l->tried))
		renewal_begin(l);
}

static void
end_session(struct listener *l, int n, const struct msg_gone *gone)
{
	struct place *p = &l->places.place[gone->place % CONF_SESSIONS_MAX];

	if (!p->taken || p->keys != n ||
	    strcmp(p->connection.id, gone->id) != 0)
		return;
	p->keys = KEYS_NONE;
	state_settle(l, p);
}

void
renewal_hear(struct listener *l, int n)
{
	static struct message m;
	struct msg_gone gone;

	if (channel_recv(l->keyring.key[n].channel, &m) != 1)
		renewal_lose(l, n);
	else if (n == l->keyring.starting && channel_is(&m, MSG_READY, 0)) {
		keyring_ready(&l->keyring);
		l->serving = l->tried;
	} else if (message_get(&m, MSG_GONE, &gone, sizeof(gone)))
		end_session(l, n, &gone);
}
