/*
 * Directories, made together with the ones that lead to them.
 */
#ifndef COMMON_DIRECTORY_H
#define COMMON_DIRECTORY_H

#include <sys/types.h>

/*
 * Makes the directory at path with the given mode, and what leads to it,
 * where it is missing, with the mode for parents.  One that exists keeps the
 * mode it has.  Returns 0, or -1 with errno set; what was made until then
 * stays.  Any process that may write there, in its sandbox as well.
 */
int directory_make(const char *path, mode_t parents, mode_t mode);

#endif
