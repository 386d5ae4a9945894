#ifndef CONFIGTEST_SENDING_H
#define CONFIGTEST_SENDING_H

/*
 * Where Postfix asks pop3sasl, or looks as if it were to: does it reach it?
 * Tells warnings alone, since pop3d works without.
 */
void sending_check(void);

#endif
