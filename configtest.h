/*
 * pop3d -n: everything that an administrator could have got wrong.
 */
#ifndef CONFIGTEST_H
#define CONFIGTEST_H

#include "common/conf.h"

/*
 * Loads the configuration, tries what it names, and prints one line:
 * "configuration OK", or what is wrong.  Returns the exit status.
 */
int configtest(struct conf *conf, const char *file);

#endif
