/*
 * pop3sasl: answers one connection of an SMTP server that asks who may send
 * mail, in Dovecot's authentication protocol.
 *
 * This is the parent: root, for milliseconds.  It reads the configuration,
 * forks sasl, which talks to the SMTP server, and becomes auth, which judges.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/auth.h"
#include "common/channel.h"
#include "common/inherit.h"
#include "common/log.h"
#include "common/stop.h"
#include "common/version.h"
#include "sasl/sasl.h"

static const char usage[] = "usage: pop3sasl [-dV] [-f file]";

struct options {
	const char *file;
	int debug;
};

static void
parse_options(struct options *o, int argc, char *argv[])
{
	int c;

	o->file = CONF_FILE;
	o->debug = 0;
	opterr = 0;
	while ((c = getopt(argc, argv, "df:V")) != -1) {
		switch (c) {
		case 'd':
			o->debug = 1;
			break;
		case 'f':
			o->file = optarg;
			break;
		case 'V':
			puts("pop3sasl " POP3D_VERSION);
			exit(0);
		default:
			inherit_usage("pop3sasl", usage);
		}
	}
	if (optind != argc)
		inherit_usage("pop3sasl", usage);
}

/* sasl takes the SMTP server along.  Returns auth's end of the channel. */
static int
start_sasl(const struct conf *conf, const struct identity *as)
{
	int fd[2];
	pid_t pid;

	if (channel_pair(fd) == -1 || (pid = fork()) == -1) {
		log_warn("socketpair or fork: %s", strerror(errno));
		_exit(1);
	}
	if (pid == 0) {
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
	struct options options;
	struct identity as;

	parse_options(&options, argc, argv);
	stop_block();
	if (inherit_begin("pop3sasl", options.debug, connection.id, &conf,
		options.file) == -1 ||
	    identity_find(&as, &conf) == -1)
		return 1;
	auth_run_sending(&conf, &as, start_sasl(&conf, &as), &connection);
}
