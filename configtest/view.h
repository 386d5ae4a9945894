/*
 * Files as the service sees them.
 *
 * systemd's unit starts pop3d as a root that has no right to read what is
 * not root's, and that does not see some directories.
 */
#ifndef CONFIGTEST_VIEW_H
#define CONFIGTEST_VIEW_H

/*
 * Gives up, until view_leave(), the rights over files that the unit does not
 * have.  Nothing happens where there are no such rights, or for anybody but
 * root.
 */
void view_enter(void);
void view_leave(void);

/*
 * Can the service read that file?  Returns 0, or -1 after a line: where is
 * FILE:LINE, what the name of the thing.
 */
int view_readable(const char *where, const char *what, const char *path);

/* Can others than root, or whoever we are, change it?  As above. */
int view_ours(const char *where, const char *what, const char *path);

/* A line if anybody can put another file in its place. */
void view_directory(const char *where, const char *what, const char *path);

#endif
