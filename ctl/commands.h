/*
 * The commands of pop3ctl: one table, from which they are found, their
 * options are read, and usage and help are printed.
 */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

/*
 * Runs the command that argv begins with, by the configuration in file;
 * returns the exit status, after lines on standard error where that is not
 * CTL_GOOD.
 */
int command_run(const char *file, int argc, char *argv[]);

/* All commands on standard error; returns CTL_USAGE. */
int command_usage(void);

#endif
