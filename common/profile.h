/*
 * The configuration profile (.mobileconfig) from which Apple's systems set an
 * account up.
 */
#ifndef COMMON_PROFILE_H
#define COMMON_PROFILE_H

#include "common/self_service.h"

/*
 * Prints one for the address; or for whoever of a domain, @DOMAIN, is asked
 * for his address by the system.  There must be an outgoing server.  The
 * password, which the system will know then, may be NULL: it asks.  The same
 * name gets the same identifiers, so a profile replaces the one before.
 */
void profile_print(const struct self_client *c, const char *address,
    const char *password);

#endif
