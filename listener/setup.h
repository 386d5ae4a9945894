/*
 * What the listener serves by: the configuration, the user that it names, and
 * what all its files looked like when they were read.
 */
#ifndef LISTENER_SETUP_H
#define LISTENER_SETUP_H

#include <sys/stat.h>

#include "common/conf.h"
#include "common/identity.h"

/* The configuration; and certificate, key and staple of each keypair. */
#define SETUP_FILES_MAX (1 + 3 * CONF_KEYPAIRS_MAX)

struct setup {
	struct conf conf;
	struct identity as;
	struct stat seen[SETUP_FILES_MAX];
};

/*
 * Reads file; what was in s before is freed.  Returns 0, or -1 after a line
 * in the log: then there are only defaults to go by.
 */
int setup_read(struct setup *s, const char *file);

/* Has one of its files changed since, however setup_read() ended? */
int setup_has_changed(const struct setup *s);

#endif
