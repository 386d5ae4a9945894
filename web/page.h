/*
 * A page: what it asks for and what it does with a form, and the functions of
 * all of them.
 */
#ifndef WEB_PAGE_H
#define WEB_PAGE_H

#include "web/visit.h"

struct page {
	const char *path;
	const char *menu; /* its entry there; NULL: nobody need be signed in */
	/*
	 * What is asked before it is shown, and where it does not lead away
	 * from there; 0: nothing.
	 */
	enum self_want want;
	void (*show)(struct visit *v);
	void (*post)(struct visit *v); /* NULL: no form leads to it */
};

/* sign_in.c */
void sign_in_show(struct visit *v);
void sign_in_post(struct visit *v);
void code_show(struct visit *v);
void code_post(struct visit *v);
void invitation_show(struct visit *v);
void invitation_post(struct visit *v);
void sign_out_post(struct visit *v);

/* overview.c */
void overview_show(struct visit *v);
void overview_post(struct visit *v);

/* apps.c */
void apps_show(struct visit *v);
void app_new_show(struct visit *v);
void app_new_post(struct visit *v);
void app_revoke_post(struct visit *v);

/* kept.c */
void kept_show(struct visit *v);
void kept_post(struct visit *v);

/* activity.c */
void activity_show(struct visit *v);
void not_me_show(struct visit *v);
void not_me_post(struct visit *v);

/* security.c */
void security_show(struct visit *v);
void password_show(struct visit *v);
void password_post(struct visit *v);

/* two_factor.c */
void two_factor_show(struct visit *v);
void two_factor_start(struct visit *v);
void two_factor_confirm(struct visit *v);
void two_factor_off_show(struct visit *v);
void two_factor_off_post(struct visit *v);
void recovery_show(struct visit *v);
void recovery_post(struct visit *v);

/* clients.c */
void clients_show(struct visit *v);
void autoconfig_show(struct visit *v);
void profile_show(struct visit *v);
void profile_new_show(struct visit *v);
void profile_new_post(struct visit *v);

#endif
