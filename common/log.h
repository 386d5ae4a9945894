/*
 * One line for the administrator, by syslog(3) (facility LOG_MAIL).
 *
 * Any process may call these, before and after its sandbox is entered: the
 * connection to syslogd is made by log_open() in the parent and inherited.
 * Nothing here ever writes to descriptor 2 unless log_open() was asked to:
 * under inetd that descriptor is the client's socket.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stddef.h>

#define LOG_SAFE_MAX 1024
#define LOG_LINE_MAX 4096 /* octets of a line; what is longer is cut */

/*
 * Opens the log under the name "program", which must outlive the process.
 * With to_stderr, every line goes to standard error as well.
 */
void log_open(const char *program, int to_stderr);

/*
 * Around the closing of all descriptors that are not known: the log is opened
 * anew, as it was.
 */
void log_close(void);
void log_reopen(void);

/*
 * From now on every line ends with " id=" and this string, which must outlive
 * the process, or the next call: it tells the lines of one connection from
 * others.  Processes that are forked have it, too.  NULL: no more.  Returns
 * the one before.
 */
const char *log_tag(const char *id);

/*
 * From now on every line of this process has " via=" and the proxy that the
 * client came through, before its id; not for an empty one.
 */
void log_via(const char *proxy);

/* What happened: logins, ends of sessions, refusals. */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What the administrator should mend. */
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The last of these in this process; empty when there was none. */
const char *log_last_warning(void);

/*
 * Copies src to dst so that it cannot forge a line or a field: anything but
 * 0x21..0x7E, and the backslash, becomes \ooo; what does not fit is cut.
 * Returns dst.
 */
char *log_safe(char *dst, size_t size, const char *src);

#endif
