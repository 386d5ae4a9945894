/*
 * pop3ctl: the administrator's hand on accounts and mailboxes.
 */
#include <sys/stat.h>

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/linkage.h"
#include "common/log.h"
#include "common/version.h"
#include "ctl/commands.h"

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int
main(int argc, char *argv[])
{
	static char help[] = "help";
	char *words[] = { help, NULL };
	const char *file = CONF_FILE;
	int c;

	linkage_begin();
	log_open("pop3ctl", 0);
	umask(077);
	/* The first argument that is no option is the command. */
	while ((c = getopt_long(argc, argv, "+f:hV", options, NULL)) !=
	    -1) {
		if (c == 'h')
			return command_run(file, 1, words);
		if (c == 'V')
			return puts("pop3ctl " POP3D_VERSION) == EOF;
		if (c != 'f')
			return command_usage();
		file = optarg;
	}
	if (optind == argc)
		return command_usage();
	return command_run(file, argc - optind, argv + optind);
}
