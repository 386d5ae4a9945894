/* OpenBSD's authenticate(3), what auth/system_openbsd.c calls of it. */
#ifndef TESTS_STUBS_BSD_AUTH_H
#define TESTS_STUBS_BSD_AUTH_H

int auth_userokay(char *name, char *style, char *type, char *password);

#endif
