/*
 * The session's engine: reads lines, has commands run, sends the answers.
 */
#ifndef SESSION_ENGINE_H
#define SESSION_ENGINE_H

#include "session/pop3.h"

/*
 * Serves the client, from the greeting until the session ends; p->reason
 * says why it did.  p has its configuration, peer, channel and stream.
 */
void engine_run(struct pop3 *p);

#endif
