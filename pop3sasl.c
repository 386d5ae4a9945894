/*
 * pop3sasl: answers one connection of an SMTP server that asks who may send
 * mail, in Dovecot's authentication protocol.
 *
 * This is the parent: root, for milliseconds.  It reads the configuration,
 * forks sasl, which talks to the SMTP server, and becomes auth, which judges.
 */
#include <unistd.h>

#include "auth/auth.h"
#include "common/inherit.h"
#include "common/stop.h"
#include "sasl/sasl.h"

static const char usage[] = "usage: pop3sasl [-dV] [-f file]";

/* sasl takes the SMTP server along.  Returns auth's end of the channel. */
static int
start_sasl(const struct conf *conf, const struct identity *as)
{
	int fd[2];

	inherit_channel(fd);
	if (inherit_fork() == 0) {
		close(fd[1]);
		sasl_run(conf, as, fd[0]);
	}
	close(fd[0]);
	inherit_let_go();
	return fd[1];
}

int
main(int argc, char *argv[])
{
	static struct conf conf;
	/* Users are where the SMTP server says they are, if it does. */
	static struct connection connection = { "", "unknown" };
	struct inherit_options options;
	struct identity as;

	inherit_options(
	    &options, "pop3sasl", "df:V", usage, argc, argv);
	stop_block();
	if (inherit_begin("pop3sasl", options.debug, connection.id, &conf,
		options.file) == -1 ||
	    identity_find(&as, &conf) == -1)
		return 1;
	auth_run_sending(&conf, &as, start_sasl(&conf, &as), &connection);
}
