/*
 * pop3ctl: the administrator's hand on accounts and mailboxes.
 */
#include <sys/stat.h>

#include <unistd.h>

#include "common/conf.h"
#include "common/log.h"
#include "ctl/commands.h"

int
main(int argc, char *argv[])
{
	const char *file = CONF_FILE;
	int c;

	log_open("pop3ctl", 0);
	umask(077);
	/* The first argument that is no option is the command. */
	while ((c = getopt(argc, argv, "+f:")) != -1) {
		if (c != 'f')
			return command_usage();
		file = optarg;
	}
	if (optind == argc)
		return command_usage();
	return command_run(file, argc - optind, argv + optind);
}
