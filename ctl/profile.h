/*
 * The configuration profile (.mobileconfig) from which Apple's systems set an
 * account up.
 */
#ifndef CTL_PROFILE_H
#define CTL_PROFILE_H

#include "common/conf.h"

/*
 * Prints one for the address, or, if that is empty, for whoever of the domain
 * is asked for it by the system.  There must be an outgoing server.  The same
 * name gets the same identifiers, so a profile replaces the one before.
 */
void profile_print(
    const struct conf *conf, const char *address, const char *domain);

#endif
