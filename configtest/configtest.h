/*
 * pop3d -n: everything that an administrator could have got wrong.  Never a
 * part of a session.
 */
#ifndef CONFIGTEST_CONFIGTEST_H
#define CONFIGTEST_CONFIGTEST_H

#include "common/conf.h"

/*
 * Loads the configuration, tries what it names, and prints "configuration OK",
 * or a line for each thing that is wrong.  Returns the exit status.
 */
int configtest(struct conf *conf, const char *file);

#endif
