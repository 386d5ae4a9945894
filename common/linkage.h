/*
 * Programs can be linked statically (make STATIC=1), and glibc loads shared
 * libraries into these all the same: for users that nsswitch.conf has from
 * elsewhere, and PAM.  They bring a second libc along, and end in a crash: a
 * look-up of an unknown user suffices.  OpenBSD loads none.
 */
#ifndef COMMON_LINKAGE_H
#define COMMON_LINKAGE_H

/* To be called before any look-up: where nothing may be loaded, only /etc has
 * users and groups. */
void linkage_begin(void);

/* Is this program one into which nothing may be loaded? */
int linkage_is_static(void);

#endif
