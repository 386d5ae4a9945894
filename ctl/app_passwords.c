/*
 * pop3ctl app-password.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "auth/password.h"
#include "common/clock.h"
#include "ctl/ctl.h"
#include "ctl/label.h"
#include "ctl/limits.h"

struct app {
	struct app_password new;
	char text[APP_PASSWORD_SIZE];
};

static int
add_label(struct account *a, void *arg)
{
	struct app *app = arg;

	if (label_find(a, app->new.label) < a->napp)
		return ctl_fail("%s has an application password %s already; "
				"revoke it first, or take another label",
		    a->address, app->new.label);
	if (a->napp == APP_PASSWORDS_MAX)
		return ctl_fail("%s has %d application passwords already; "
				"revoke one",
		    a->address, APP_PASSWORDS_MAX);
	app_password_make(app->text, app->new.digest);
	a->app[a->napp++] = app->new;
	a->generation++;
	return CTL_GOOD;
}

static int
revoke_label(struct account *a, void *arg)
{
	const char *label = arg;
	size_t i = label_find(a, label);

	if (i == a->napp)
		return ctl_fail("%s has no application password %s; `pop3ctl "
				"app-password list %s' shows them",
		    a->address, label, a->address);
	label_remove(a, i);
	return CTL_GOOD;
}

static int
narrow(struct app_password *new, const struct args *args)
{
	char err[ERR_SIZE];
	size_t i;

	for (i = 0; i < args->ngiven; i++)
		if (limit_option(new, args->given[i].letter,
			args->given[i].value, err, sizeof(err)) == -1)
			return ctl_fail("-%c %s: %s", args->given[i].letter,
			    args->given[i].value, err);
	if (new->expires != FOR_EVER && new->expires <= new->created)
		return ctl_fail("-e %s: that has passed; give a day to come",
		    args->option['e']);
	return CTL_GOOD;
}

int
ctl_app_password_add(const struct args *args)
{
	const char *address = args->word[0];
	struct app app = { .new = { .created = (int64_t)time(NULL),
				.services = SERVICE_BOTH } };
	int status;

	if (!label_good(args->word[1]))
		return ctl_fail("a label is what tells devices apart: 1 to %d "
				"octets, not blanks alone, no control "
				"characters",
		    LABEL_MAX);
	strlcpy(app.new.label, args->word[1], sizeof(app.new.label));
	if (narrow(&app.new, args) != CTL_GOOD)
		return CTL_FAILED;
	/* Shown once, and only when it is sure to work. */
	status = ctl_change(args->conf, address, add_label, &app);
	if (status == CTL_GOOD &&
	    (puts(app.text) == EOF || fflush(stdout) == EOF)) {
		(void)ctl_change(
		    args->conf, address, revoke_label, args->word[1]);
		status = ctl_fail("standard output: could not be written, and "
				  "so %s got no application password",
		    address);
	}
	explicit_bzero(&app, sizeof(app));
	return status;
}

int
ctl_app_password_list(const struct args *args)
{
	static struct account account;
	char when[CLOCK_TEXT_SIZE];
	size_t i;
	int status;

	status = ctl_account(args->conf, args->word[0], &account);
	if (status != CTL_GOOD)
		return status;
	for (i = 0; i < account.napp; i++) {
		clock_text(when, account.app[i].created);
		printf("%s\t%s", account.app[i].label, when);
		limits_print("\t", &account.app[i]);
		putchar('\n');
	}
	return CTL_GOOD;
}

int
ctl_app_password_revoke(const struct args *args)
{
	return ctl_change(
	    args->conf, args->word[0], revoke_label, args->word[1]);
}
