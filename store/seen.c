#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/seen.h"

#define FLAGS ":2,"

/* The flags are in the order of the alphabet; lower case is Dovecot's. */
int
seen_suffix(const char *suffix, char seen[NAME_OCTETS])
{
	const char *flags;
	size_t before;

	if (suffix[0] == '\0')
		suffix = FLAGS;
	if (strncmp(suffix, FLAGS, strlen(FLAGS)) != 0)
		return 0;
	flags = suffix + strlen(FLAGS);
	if (flags[strcspn(flags, "S,")] == 'S')
		return 0;
	before = strlen(FLAGS) + strspn(flags, "ABCDEFGHIJKLMNOPQR");
	return (size_t)snprintf(seen, NAME_OCTETS, "%.*sS%s", (int)before,
		   suffix, suffix + before) < NAME_OCTETS;
}

/* A file that stays in new/ has no flags there. */
static int
mark(struct ledger *l, enum folder folder, const struct listed *name)
{
	char from[NAME_OCTETS], to[NAME_OCTETS];
	struct entry old, e;
	int error;

	if ((error = index_find_name(l->index, folder, name->name, &old)) != 0)
		return error == INDEX_NOT_FOUND ? 0 : error;
	e = old;
	if ((e.state != QUEUED && e.state != RETAINED) || e.sub != CUR ||
	    !seen_suffix(old.suffix, e.suffix) ||
	    entry_name(&old, from) != 0 || entry_name(&e, to) != 0)
		return 0;
	error = maildir_move(&l->maildir[folder], CUR, from, to);
	if (error == ENOENT || error == EEXIST)
		return 0;
	if (error != 0)
		return error;
	ledger_changed(l, folder, 2);
	return ledger_change(l, &old, &e);
}

int
seen_names(
    struct ledger *l, enum folder folder, const struct listing *names)
{
	size_t i;
	int error;

	if ((error = ledger_writable(l)) != 0)
		return error;
	ledger_changes_begin(l, folder);
	if ((error = ledger_begin(l)) == 0) {
		for (i = 0; error == 0 && i < names->n; i++)
			error = mark(l, folder, &names->entry[i]);
		error = ledger_end(l, error, 0);
	}
	/* What was renamed already, the next login sees. */
	if (error == 0)
		ledger_changes_end(l, folder);
	else
		l->totals.folder[folder].time[CUR] = 0;
	return error;
}
