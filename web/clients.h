/*
 * What a user types into a mail program.  On standard output.
 */
#ifndef WEB_CLIENTS_H
#define WEB_CLIENTS_H

#include "web/visit.h"

/*
 * The servers, for the services that a password is good for, and what is to
 * be typed where a password is asked for.
 */
void clients_table(
    const struct self_client *c, uint32_t services, const char *password);

/* The page after SELF_APP_MAKE: the new password, and what else to type. */
void clients_made(const struct visit *v);

#endif
