/*
 * What pop3d -V and pop3ctl -V print, and what the package is called.  NEWS
 * begins with the same number.
 */
#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

#define POP3D_VERSION "1.1"

#endif
