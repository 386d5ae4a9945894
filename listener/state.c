#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/clock.h"
#include "common/log.h"
#include "listener/held.h"
#include "listener/state.h"

void
state_settle(struct listener *l, struct place *place)
{
	places_settle(&l->places, place);
	if (l->places.taken == 0)
		l->idle_since = clock_ms();
}

void
state_close_channel(struct place *place)
{
	if (place->channel != -1)
		held_close(place->channel);
	place->channel = -1;
}

int
state_open_channel(int fd[2])
{
	if (channel_pair(fd) == 0) {
		if (held_take(fd[1]) != -1)
			return 0;
		close(fd[0]);
	}
	log_warn("socketpair: %s", strerror(errno));
	return -1;
}
