/*
 * pop3ctl: the administrator's hand on accounts and mailboxes.
 */
#include <sys/stat.h>

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/version.h"
#include "ctl/ctl.h"

static const struct command {
	const char *name;
	int (*run)(const struct conf *, int, char *[]);
	const char *usage;
} commands[] = {
	{ "add", ctl_add, "ADDRESS [-m MAILDIR] [-o OWNER] [-P]" },
	{ "app-password", ctl_app_password,
	    "add ADDRESS LABEL | list ADDRESS | revoke ADDRESS LABEL" },
	{ "check", ctl_check, "ADDRESS ... | -a" },
	{ "client-settings", ctl_client_settings, "ADDRESS [-x]" },
	{ "delete", ctl_delete, "ADDRESS" },
	{ "export", ctl_export, "" },
	{ "import", ctl_import, "FILE" },
	{ "index", ctl_index, "ADDRESS ... | -a" },
	{ "list", ctl_list, "[-j]" },
	{ "passwd", ctl_passwd, "ADDRESS" },
	{ "queue", ctl_queue, "ADDRESS [-a] [-j]" },
	{ "requeue", ctl_requeue, "ADDRESS UIDL ... | ADDRESS -a" },
	{ "set", ctl_set, "ADDRESS KEY=VALUE ..." },
	{ "show", ctl_show, "ADDRESS [-j]" },
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

int
ctl_fail(const char *fmt, ...)
{
	char text[2 * ERR_SIZE], *p;
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* One line, whatever the arguments had in them. */
	for (p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	fprintf(stderr, "pop3ctl: %s\n", text);
	return CTL_FAILED;
}

static int
usage_all(void)
{
	size_t i;

	for (i = 0; i < NCOMMANDS; i++)
		fprintf(stderr, "%s pop3ctl [-f FILE] %s %s\n",
		    i == 0 ? "usage:" : "      ", commands[i].name,
		    commands[i].usage);
	fprintf(stderr, "       pop3ctl -V\n");
	return CTL_USAGE;
}

/* The next getopt_long(3) begins anew, and in its own order. */
static void
rewind_options(void)
{
	opterr = 0; /* the usage says it all */
#ifdef __GLIBC__
	optind = 0;
#else
	optind = optreset = 1;
#endif
}

static int
run(const struct command *c, const char *file, int argc, char *argv[])
{
	static struct conf conf; /* reachable to the end, for leak checkers */
	char err[ERR_SIZE];
	int status;

	if (conf_load(&conf, file, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	rewind_options();
	status = c->run(&conf, argc, argv);
	if (status == CTL_USAGE)
		fprintf(stderr, "usage: pop3ctl [-f FILE] %s %s\n", c->name,
		    c->usage);
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == CTL_GOOD)
		return ctl_fail("standard output: could not be written");
	return status;
}

int
main(int argc, char *argv[])
{
	const char *file = CONF_FILE;
	size_t i;
	int c;

	log_open("pop3ctl", 0);
	umask(077);
	/* The first argument that is no option is the command. */
	while ((c = getopt(argc, argv, "+f:V")) != -1) {
		if (c == 'V')
			return puts("pop3ctl " POP3D_VERSION) == EOF;
		if (c != 'f')
			return usage_all();
		file = optarg;
	}
	argc -= optind;
	argv += optind;
	if (argc == 0)
		return usage_all();
	for (i = 0; i < NCOMMANDS; i++)
		if (strcmp(commands[i].name, argv[0]) == 0)
			return run(&commands[i], file, argc, argv);
	fprintf(stderr, "pop3ctl: there is no command %s\n", argv[0]);
	return usage_all();
}
