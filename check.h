/*
 * pop3d -n: everything that an administrator could have got wrong.
 */
#ifndef CHECK_H
#define CHECK_H

#include "common/conf.h"

/*
 * Loads the configuration, tries what it names, and prints one line:
 * "configuration OK", or what is wrong.  Returns the exit status.
 */
int check_configuration(struct conf *conf, const char *file);

#endif
