/*
 * The XML by which Thunderbird, K-9, Evolution and others set an account up
 * ("autoconfig", https://wiki.mozilla.org/Thunderbird:Autoconfiguration).
 */
#ifndef COMMON_AUTOCONFIG_H
#define COMMON_AUTOCONFIG_H

#include "common/self_service.h"

/* Prints it for the address, or for a domain, @DOMAIN. */
void autoconfig_print(const struct self_client *c, const char *address);

#endif
