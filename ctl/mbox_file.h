/*
 * The mbox that an administrator names.
 */
#ifndef CTL_MBOX_FILE_H
#define CTL_MBOX_FILE_H

/*
 * Opens it for reading, as who runs pop3ctl.  Root is not led by others to
 * what only root may read: by a link on the way that is not root's, or by a
 * second name of somebody else's file.  Returns the descriptor, or -1, told.
 */
int mbox_file_open(const char *file);

#endif
