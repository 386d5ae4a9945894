#include <string.h>

#include "web/form.h"
#include "web/pages.h"
#include "web/reply.h"
#include "web/style.h"

static void
style_show(struct visit *v)
{
	reply_style(v);
	style_write();
}

/* Password managers know this one: https://w3.org/TR/change-password-url */
static void
change_password_show(struct visit *v)
{
	reply_elsewhere(v, "/password");
}

static const struct page pages[] = {
	{ "/", "/", SELF_OVERVIEW, overview_show, overview_post },
	{ "/passwords", "/passwords", SELF_APPS_LIST, apps_show, NULL },
	{ "/passwords/new", "/passwords", SELF_SECURITY, app_new_show,
	    app_new_post },
	{ "/passwords/revoke", "/passwords", 0, NULL, app_revoke_post },
	{ "/kept", "/kept", SELF_KEPT_LIST, kept_show, kept_post },
	{ "/activity", "/activity", SELF_ACTIVITY, activity_show, NULL },
	{ "/not-me", "/activity", SELF_SECURITY, not_me_show, not_me_post },
	{ "/clients", "/clients", SELF_CLIENT, clients_show, NULL },
	{ "/clients/autoconfig.xml", "/clients", SELF_CLIENT, autoconfig_show,
	    NULL },
	{ "/clients/mail.mobileconfig", "/clients", SELF_CLIENT, profile_show,
	    NULL },
	{ "/clients/profile", "/clients", SELF_CLIENT, profile_new_show,
	    profile_new_post },
	{ "/security", "/security", SELF_SECURITY, security_show, NULL },
	{ "/password", "/security", SELF_SECURITY, password_show,
	    password_post },
	{ "/two-factor", "/security", SELF_SECURITY, two_factor_show,
	    two_factor_start },
	{ "/two-factor/confirm", "/security", 0, NULL, two_factor_confirm },
	{ "/two-factor/off", "/security", SELF_SECURITY, two_factor_off_show,
	    two_factor_off_post },
	{ "/recovery", "/security", SELF_SECURITY, recovery_show,
	    recovery_post },
	{ "/sign-in", NULL, 0, sign_in_show, sign_in_post },
	{ "/code", NULL, 0, code_show, code_post },
	{ "/invitation", NULL, 0, NULL, invitation_post },
	{ "/sign-out", NULL, 0, NULL, sign_out_post },
	{ STYLE_PATH, NULL, 0, style_show, NULL },
	{ "/.well-known/change-password", NULL, 0, change_password_show,
	    NULL },
};

const struct page *
pages_find(const char *path)
{
	size_t i;

	if (path[0] == '\0')
		path = "/";
	for (i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (strcmp(pages[i].path, path) == 0)
			return &pages[i];
	return NULL;
}
