/*
 * The sasl process: it talks to an SMTP server that wants to know who may
 * send mail, and has nothing else.
 */
#ifndef SASL_SASL_H
#define SASL_SASL_H

#include "common/conf.h"
#include "common/identity.h"

/*
 * Leaves root for "as", locks itself in, and answers the SMTP server on
 * descriptor 0; channel leads to auth, which judges.  Never returns.
 */
void sasl_run(const struct conf *conf, const struct identity *as, int channel)
    __attribute__((noreturn));

#endif
