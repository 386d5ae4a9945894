/*
 * `auth system': local users, by the system's own word (PAM, bsd_auth).
 *
 * That takes root and other people's code, so it is done in a process of
 * its own, which auth starts before it gives root up and which ends when
 * auth does, whatever it is doing then.  It sees no accounts, no mail, no
 * client: it answers one question, whether this is that user's password,
 * and does nothing else.
 */
#ifndef AUTH_SYSTEM_H
#define AUTH_SYSTEM_H

#include "auth/account.h"
#include "common/conf.h"
#include "common/messages.h"

/*
 * Is there a user of the system by NAME or NAME@hostname, who may have mail?
 * 1 and what stands for his account, or 0.  Anybody may ask: it says nothing
 * of passwords.
 */
int system_account(
    const struct conf *conf, const char *user, struct account *account);

/* The same for a user who was found in another way. */
struct passwd;
int system_user(const struct passwd *pw, struct account *account);

/*
 * Starts the process.  keep_out are descriptors that it is not to have.
 * Returns auth's end of the channel to it, or -1 after a line in the log.
 */
int system_start(
    const struct conf *conf, const int *keep_out, int nkeep_out);

/*
 * Asks it; login->peer is the client's address, as far as auth knows it.
 * Returns 0, or -1 after a line in the log.
 */
int system_ask(int channel, const struct msg_login *login);

/*
 * Its answer, for which channel becomes readable.  Returns 1 and fills
 * verdict, 0 when the answer is no, -1 when there is none.
 */
int system_answer(int channel, struct msg_verdict *verdict);

/*
 * What would keep the system from answering, for pop3d -n: half a sentence,
 * or NULL.  system_pam.c, system_openbsd.c, as is system_password().
 */
const char *system_obstacle(void);

/*
 * In that process: is it the user's password, and may the user log in now?
 * 1 or 0; why not is told in the log.
 */
int system_password(
    const char *user, const char *password, const char *peer);

#endif
