/*
 * What was done on the page itself, as an item of a list tells it.  On
 * standard output.
 */
#ifndef WEB_DOINGS_H
#define WEB_DOINGS_H

#include "common/self_service.h"

/* An event of the kinds SIGNED_IN, CHANGED and REQUEUED. */
void doings_show(const struct self_event *e);

#endif
