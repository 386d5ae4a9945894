/*
 * Accounts in a form that OpenSMTPD's smtpd(8) reads.
 */
#ifndef CTL_SMTPD_H
#define CTL_SMTPD_H

#include "common/conf.h"

/*
 * Prints a line for each account that may send by its own password.  Returns
 * CTL_GOOD, or CTL_FAILED, told, if one was missed.
 */
int smtpd_export(const struct conf *conf);

#endif
