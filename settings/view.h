/*
 * An account as its user's page shows it: without a hash, an owner or a path.
 * Pure computation.
 */
#ifndef SETTINGS_VIEW_H
#define SETTINGS_VIEW_H

#include "auth/account.h"
#include "auth/factors.h"
#include "common/self_service.h"

/* All but prove, which auth knows. */
void view_account(struct self_account *view, const struct account *account,
    const struct factors *factors);

void view_app(struct self_app *view, const struct app_password *app);

/* The application passwords, the newest first, from that one on. */
void view_apps(struct self_apps *view, const struct account *account,
    uint32_t from);

/*
 * Does the page ask for a code?  Two-factor that the administrator switched
 * off needs none, whatever there was.
 */
int view_asks_code(
    const struct account *account, const struct factors *factors);

#endif
