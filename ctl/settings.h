/*
 * The settings of an account, KEY=VALUE, as set, show, list, import and
 * export have them: what show prints can be given to set.
 */
#ifndef CTL_SETTINGS_H
#define CTL_SETTINGS_H

#include <stddef.h>

#include "auth/account.h"
#include "common/conf.h"

#define VALUE_SIZE (MAILDIR_MAX + 1)

struct setting {
	const char *key;
	const char *values; /* that can be set: off|all|from-now, or PATH */
	const char *mend;   /* the same in a sentence; NULL: those words */
	const char *what;   /* it is about, for help */
	const char *preset; /* of a new account; NULL: not always the same */
	size_t where;	    /* in struct account */
	int (*set)(const struct setting *setting, struct account *account,
	    const char *value);
	void (*get)(const struct setting *setting,
	    const struct account *account, char value[VALUE_SIZE]);
};

/* Ends with a NULL key. */
extern const struct setting settings[];

/* The value that a setting has in an account. */
void setting_value(const struct setting *setting, const struct account *account,
    char value[VALUE_SIZE]);

/*
 * Sets KEY=VALUE, of one line.  Returns 0, or -1 with a sentence in err.
 */
int setting_apply(
    struct account *account, const char *text, char *err, size_t errsize);

/*
 * Sets what the configuration's lines with `default' say of new accounts.
 * Returns 0, or -1 with a sentence in err that says where.
 */
int settings_preset(struct account *account, const struct conf *conf,
    char *err, size_t errsize);

/* One of them. */
int settings_preset_one(struct account *account, const struct conf *conf,
    const struct preset *preset, char *err, size_t errsize);

/* What can be set, on standard output. */
void settings_help(void);

#endif
