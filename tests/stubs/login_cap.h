/* OpenBSD wants it before <bsd_auth.h>; nothing of it is called. */
