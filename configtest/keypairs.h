/*
 * Certificates and keys, as the service and as clients will see them.
 */
#ifndef CONFIGTEST_KEYPAIRS_H
#define CONFIGTEST_KEYPAIRS_H

#include "common/conf.h"

/* A line for each thing that is wrong with them. */
void keypairs_check(const struct conf *conf);

#endif
