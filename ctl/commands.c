#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/settings.h"

#define ANY	    (-1)
#define OR_ALL	    (-2) /* words without -a, and none with it */
#define OPTIONS_MAX 5 /* of one command, and one more that ends the list */
#define NO_OPTIONS  { { 0, NULL, NULL } }

/*
 * A command, named by one word or by two (app-password add): those that
 * share the first word are beside each other.
 */
struct command {
	const char *name;
	const char *second; /* NULL: there is none */
	int (*run)(const struct args *);
	int least, most; /* words behind the name, options not counted */
	const char *usage;
	const char *what; /* it does: a sentence */
	struct {
		int letter;
		const char *value; /* NULL: it has none */
		const char *what;  /* it means */
	} option[OPTIONS_MAX];
};

static int ctl_help(const struct args *args);

static const struct command commands[] = {
	{ "add", NULL, ctl_add, 1, 1, "ADDRESS [-m MAILDIR] [-o OWNER] [-P]",
	    "Adds an account, asks for its password, and makes its Maildir.",
	    { { 'm', "MAILDIR",
		  "where its mail is, an absolute path; unless "
		  "given, pop3d.conf's maildir says" },
		{ 'o', "OWNER",
		    "whose the mailbox is, a user or UID:GID; "
		    "unless given, pop3d.conf's owner" },
		{ 'P', NULL, "the account has no password of its own" } } },
	{ "alias", "add", ctl_alias_add, 2, 2, "ADDRESS ALIAS",
	    "Gives an account another name, under which its user can log in.",
	    NO_OPTIONS },
	{ "alias", "list", ctl_alias_list, 0, 1, "[ADDRESS]",
	    "Lists accounts and their aliases.", NO_OPTIONS },
	{ "alias", "remove", ctl_alias_remove, 2, 2, "ADDRESS ALIAS",
	    "Removes an alias.", NO_OPTIONS },
	{ "app-password", "add", ctl_app_password_add, 2, 2,
	    "ADDRESS LABEL [-e DATE] [-n NETWORK] ... [-r] [-u USE]",
	    "Makes an application password and prints it, this once.",
	    { { 'e', "DATE",
		  "it expires: at the end of YYYY-MM-DD, UTC, or in +Nd, "
		  "N days" },
		{ 'n', "NETWORK",
		    "it is good from there alone, ADDRESS or ADDRESS/BITS; at "
		    "most 4 times" },
		{ 'r', NULL, "nothing can be deleted with it" },
		{ 'u', "USE",
		    "what it is good for: pop, send, or both; unless given, "
		    "both" } } },
	{ "app-password", "list", ctl_app_password_list, 1, 1, "ADDRESS",
	    "Lists application passwords: their labels, when they were made, "
	    "and what narrows them.",
	    NO_OPTIONS },
	{ "app-password", "revoke", ctl_app_password_revoke, 2, 2,
	    "ADDRESS LABEL",
	    "Removes an application password, which is refused from then on.",
	    NO_OPTIONS },
	{ "check", NULL, ctl_check, 0, OR_ALL, "ADDRESS ... | -a",
	    "Verifies the index of mailboxes and says what it mended.",
	    { { 'a', NULL, "the mailboxes of all accounts" } } },
	{ "client-settings", NULL, ctl_client_settings, 1, 1,
	    "ADDRESS|@DOMAIN [-x|-m|-s]",
	    "Prints what the user, or whoever of a domain, types into a mail "
	    "client.",
	    { { 'x', NULL, "as XML, which clients can fetch" },
		{ 'm', NULL, "as a profile for Apple's systems" },
		{ 's', NULL, "as lines for the domain's zone file" } } },
	{ "delete", NULL, ctl_delete, 1, 1, "ADDRESS",
	    "Deletes an account with its aliases, and no mail.", NO_OPTIONS },
	{ "export", NULL, ctl_export, 0, 0, "[-t FORMAT]",
	    "Writes all accounts as text that import reads, with the hashes "
	    "of their passwords.",
	    { { 't', "FORMAT",
		"smtpd: a table of those that may send by their "
		"own password, for OpenSMTPD" } } },
	{ "help", NULL, ctl_help, 0, 2, "[COMMAND]",
	    "Tells what a command does and what its options mean.",
	    NO_OPTIONS },
	{ "import", NULL, ctl_import, 1, 1, "FILE [-n] [-s]",
	    "Adds or replaces the accounts in a file of an export, or of "
	    "Dovecot's passwd-file or ADDRESS:HASH lines (- is standard "
	    "input).",
	    { { 'n', NULL,
		  "says of every line what would become of it, and changes "
		  "nothing" },
		{ 's', NULL, "all lines, or none if one is bad" } } },
	{ "import-mbox", NULL, ctl_import_mbox, 2, 2,
	    "ADDRESS FILE [-f IDS]",
	    "Takes the messages of an mbox file into a mailbox.",
	    { { 'f', "IDS",
		"whose unique-ids are kept: dovecot (unless given) or "
		"none" } } },
	{ "import-uidls", NULL, ctl_import_uidls, 0, OR_ALL,
	    "[-n] [-f FORMAT] ADDRESS ... | -a",
	    "Takes over the unique-ids of the server that had the Maildir "
	    "before, Dovecot or Courier, so that nothing is fetched twice.",
	    { { 'a', NULL, "the mailboxes of all accounts" },
		{ 'f', "FORMAT",
		    "Dovecot's pop3_uidl_format, unless that is its own "
		    "default; or the word courier, for Courier's list though "
		    "Dovecot's is newer" },
		{ 'n', NULL, "shows what would be, and changes nothing" } } },
	{ "index", NULL, ctl_index, 0, OR_ALL, "ADDRESS ... | -a",
	    "Brings the index of mailboxes up to date, so that the next login "
	    "need not.",
	    { { 'a', NULL, "the mailboxes of all accounts" } } },
	{ "invite", NULL, ctl_invite, 1, 1, "ADDRESS [-e TIME]",
	    "Prints a link by which the account's user gets into the settings "
	    "page, once.",
	    { { 'e', "TIME",
		"it is good for so long: +Nh, N hours; unless given, 48" } } },
	{ "journal", NULL, ctl_journal, 1, 1, "ADDRESS [-j]",
	    "Prints the journal of a mailbox: logins, what was deleted, how "
	    "sessions ended.",
	    { { 'j', NULL, "as JSON, one object a line" } } },
	{ "kick", NULL, ctl_kick, 1, 1, "ADDRESS",
	    "Ends the session that has the mailbox; nothing is deleted by it.",
	    NO_OPTIONS },
	{ "last", NULL, ctl_last, 0, OR_ALL, "[-j] [-l] ADDRESS ... | -a",
	    "Tells the last login to each mailbox: when, from where and with "
	    "which password.",
	    { { 'a', NULL, "to the mailboxes of all accounts" },
		{ 'j', NULL, "as JSON, one object a line" },
		{ 'l', NULL,
		    "the last one with each application password, "
		    "and with the account's own" } } },
	{ "list", NULL, ctl_list, 0, 0, "[-j]",
	    "Lists all accounts with their settings.",
	    { { 'j', NULL, "as JSON" } } },
	{ "passwd", NULL, ctl_passwd, 1, 1, "ADDRESS",
	    "Asks for a new password and sets it.", NO_OPTIONS },
	{ "purge", NULL, ctl_purge, 0, OR_ALL, "[-o DAYS] ADDRESS ... | -a",
	    "Deletes for good what clients deleted and was kept back for "
	    "longer than the account's setting keep says.",
	    { { 'a', NULL, "the mailboxes of all accounts" },
		{ 'o', "DAYS",
		    "what was kept back for so many days, whatever keep "
		    "says; 0: all of it" } } },
	{ "queue", NULL, ctl_queue, 1, 1, "ADDRESS [-a] [-j]",
	    "Lists the messages that POP shows: number, octets, UIDL, folder.",
	    { { 'a', NULL,
		  "those that are kept back, too, and the state of "
		  "each" },
		{ 'j', NULL, "as JSON" } } },
	{ "rename", NULL, ctl_rename, 2, 2, "OLD NEW",
	    "Gives an account another address; its mailbox stays where it is.",
	    NO_OPTIONS },
	{ "requeue", NULL, ctl_requeue, 1, OR_ALL,
	    "ADDRESS UIDL ... | ADDRESS -a",
	    "Has POP show messages again that were kept back.",
	    { { 'a', NULL, "all of them" } } },
	{ "set", NULL, ctl_set, 2, ANY, "ADDRESS KEY=VALUE ...",
	    "Changes settings of an account, all of these or none; '*@DOMAIN' "
	    "stands for all accounts of a domain, and '*' for all.",
	    NO_OPTIONS },
	{ "show", NULL, ctl_show, 1, 1, "ADDRESS [-j]",
	    "Shows an account with its settings and application passwords.",
	    { { 'j', NULL, "as JSON" } } },
	{ "who", NULL, ctl_who, 0, 0, "[-j]",
	    "Lists the sessions that are under way.",
	    { { 'j', NULL, "as JSON" } } },
};

#define COMMANDS_END (commands + sizeof(commands) / sizeof(commands[0]))

/* Is it called by these words?  One alone may stand for several commands. */
static int
is_called(const struct command *c, const char *name, const char *second)
{
	return strcmp(c->name, name) == 0 &&
	    (c->second == NULL || second == NULL ||
		strcmp(c->second, second) == 0);
}

static void
print_usage(FILE *f, const struct command *c)
{
	fprintf(f, "usage: pop3ctl [-f FILE] %s%s%s%s%s\n", c->name,
	    c->second != NULL ? " " : "", c->second != NULL ? c->second : "",
	    c->usage[0] != '\0' ? " " : "", c->usage);
}

/* What the command does, and then how it is written. */
static int
refuse_usage(const char *name, const char *second)
{
	const struct command *c;

	for (c = commands; c < COMMANDS_END; c++)
		if (is_called(c, name, second)) {
			fprintf(stderr, "%s\n", c->what);
			print_usage(stderr, c);
		}
	return CTL_USAGE;
}

int
command_usage(void)
{
	const struct command *c;

	for (c = commands; c < COMMANDS_END; c++)
		print_usage(stderr, c);
	fputs("`pop3ctl help COMMAND' tells what a command does.\n", stderr);
	return CTL_USAGE;
}

static void
print_help(const struct command *c)
{
	size_t i;

	print_usage(stdout, c);
	printf("\n%s\n", c->what);
	for (i = 0; c->option[i].letter != 0; i++)
		printf("%s  -%c%s%s\n      %s\n", i == 0 ? "\n" : "",
		    c->option[i].letter, c->option[i].value != NULL ? " " : "",
		    c->option[i].value != NULL ? c->option[i].value : "",
		    c->option[i].what);
	if (c->run == ctl_set)
		settings_help();
}

static int
ctl_help(const struct args *args)
{
	const char *name = args->n > 0 ? args->word[0] : NULL;
	const char *second = args->n > 1 ? args->word[1] : NULL;
	const struct command *c;
	int found = 0;

	for (c = commands; c < COMMANDS_END; c++)
		if (name == NULL) {
			print_usage(stdout, c);
			printf("       %s\n", c->what);
		} else if (is_called(c, name, second)) {
			if (found++ > 0)
				putchar('\n');
			print_help(c);
		}
	if (name == NULL || found > 0)
		return CTL_GOOD;
	fprintf(stderr, "pop3ctl: there is no command %s%s%s\n", name,
	    second != NULL ? " " : "", second != NULL ? second : "");
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
is_number_of_words(const struct command *c, const struct args *args)
{
	if (args->n < c->least)
		return 0;
	if (c->most == OR_ALL)
		return (args->n == c->least) == (args->option['a'] != NULL);
	return c->most == ANY || args->n <= c->most;
}

/* argv[0] is the last word of the name; -1: that is not its usage. */
static int
parse_args(const struct command *c, int argc, char *argv[], struct args *args)
{
	static const struct option none[] = { { NULL, 0, NULL, 0 } };
	char letters[2 * OPTIONS_MAX + 1] = "";
	size_t i, used = 0;
	int letter;

	for (i = 0; c->option[i].letter != 0; i++) {
		letters[used++] = (char)c->option[i].letter;
		if (c->option[i].value != NULL)
			letters[used++] = ':';
	}
	optind = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;
	if (used > 0)
		rewind_options();
	/* Where there are no options, a word may begin with a hyphen. */
	while (used > 0 &&
	    (letter = getopt_long(argc, argv, letters, none, NULL)) != -1) {
		if (letter == '?')
			return -1;
		args->option[letter] = optarg != NULL ? optarg : "";
		if (args->ngiven == OPTIONS_GIVEN_MAX)
			return -1;
		args->given[args->ngiven].letter = letter;
		args->given[args->ngiven++].value = args->option[letter];
	}
	args->n = argc - optind;
	args->word = argv + optind;
	return is_number_of_words(c, args) ? 0 : -1;
}

static int
run_command(const struct command *c, const char *file, int argc, char *argv[])
{
	static struct conf conf; /* reachable to the end, for leak checkers */
	struct args args = { .conf = &conf };
	char err[ERR_SIZE];
	int status;

	if (parse_args(c, argc, argv, &args) == -1)
		return refuse_usage(c->name, c->second);
	if (c->run != ctl_help &&
	    conf_load(&conf, file, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	status = c->run(&args);
	if (status == CTL_USAGE)
		return refuse_usage(c->name, c->second);
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == CTL_GOOD)
		return ctl_fail("standard output: could not be written");
	return status;
}

int
command_run(const char *file, int argc, char *argv[])
{
	const char *second = argc > 1 ? argv[1] : "";
	const struct command *c;
	int words, known = 0;

	for (c = commands; c < COMMANDS_END; c++) {
		if (is_called(c, argv[0], second)) {
			words = c->second != NULL;
			return run_command(c, file, argc - words, argv + words);
		}
		known |= is_called(c, argv[0], NULL);
	}
	if (known)
		return refuse_usage(argv[0], NULL);
	fprintf(stderr, "pop3ctl: there is no command %s\n", argv[0]);
	return command_usage();
}
