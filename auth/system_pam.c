/*
 * The system's word on Linux: PAM, service "pop3d".
 *
 * The library is loaded here and now, in the one process that asks it:
 * linked with the program it would cost every session's start.
 */
#include <security/pam_appl.h>

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/system.h"
#include "common/linkage.h"
#include "common/log.h"

#define LIBRARY	 "libpam.so.0"
#define SERVICE	 "pop3d"
#define SERVICES "/etc/pam.d"
#define LINKED	 "this program is linked statically and cannot load PAM; "  \
		 "build it without STATIC=1"

static struct {
	int (*start)(const char *, const char *, const struct pam_conv *,
	    pam_handle_t **);
	int (*set_item)(pam_handle_t *, int, const void *);
	int (*authenticate)(pam_handle_t *, int);
	int (*acct_mgmt)(pam_handle_t *, int);
	int (*end)(pam_handle_t *, int);
	const char *(*strerror)(pam_handle_t *, int);
} pam;

/* POSIX: a symbol's address converts to a function's only this way. */
static int
load(void *library, const char *name, void *function)
{
	void *symbol = dlsym(library, name);

	memcpy(function, &symbol, sizeof(symbol));
	return symbol == NULL ? -1 : 0;
}

static int
load_all(void)
{
	void *library;

	if (linkage_is_static()) {
		log_warn("auth system: %s", LINKED);
		return -1;
	}
	library = dlopen(LIBRARY, RTLD_NOW);
	if (library == NULL || load(library, "pam_start", &pam.start) == -1 ||
	    load(library, "pam_set_item", &pam.set_item) == -1 ||
	    load(library, "pam_authenticate", &pam.authenticate) == -1 ||
	    load(library, "pam_acct_mgmt", &pam.acct_mgmt) == -1 ||
	    load(library, "pam_strerror", &pam.strerror) == -1 ||
	    load(library, "pam_end", &pam.end) == -1) {
		log_warn("auth system: %s; install PAM's library", dlerror());
		return -1;
	}
	return 0;
}

const char *
system_obstacle(void)
{
	void *library;

	if (linkage_is_static())
		return LINKED;
	library = dlopen(LIBRARY, RTLD_LAZY);
	if (library == NULL)
		return LIBRARY " cannot be loaded; install PAM's library";
	dlclose(library);
	if (access(SERVICES "/" SERVICE, F_OK) == -1)
		return "there is no " SERVICES "/" SERVICE ", so that PAM's "
		    "service other decides; `make install' puts one there";
	return NULL;
}

/* PAM asks; every question without echo is for the password. */
static int
converse(int n, const struct pam_message **message,
    struct pam_response **response, void *password)
{
	struct pam_response *answers;
	int i;

	if (n <= 0 || n > PAM_MAX_NUM_MSG ||
	    (answers = calloc((size_t)n, sizeof(*answers))) == NULL)
		return PAM_CONV_ERR;
	for (i = 0; i < n; i++) {
		if (message[i]->msg_style != PAM_PROMPT_ECHO_OFF)
			continue;
		if ((answers[i].resp = strdup(password)) == NULL) {
			free(answers);
			return PAM_CONV_ERR;
		}
	}
	*response = answers;
	return PAM_SUCCESS;
}

/* A refusal waits in auth, for everybody the same time. */
static void
no_delay(int retval, unsigned int usec, void *arg)
{
	(void)retval;
	(void)usec;
	(void)arg;
}

int
system_password(const char *user, const char *password, const char *peer)
{
	union {
		void (*delay)(int, unsigned int, void *);
		const void *item;
	} delay = { no_delay };
	struct pam_conv conv = { converse, (void *)(uintptr_t)password };
	pam_handle_t *handle = NULL;
	int rv;

	if (pam.start == NULL && load_all() == -1)
		return 0;
	if (pam.start(SERVICE, user, &conv, &handle) != PAM_SUCCESS) {
		log_warn("auth system: PAM does not start");
		return 0;
	}
	(void)pam.set_item(handle, PAM_FAIL_DELAY, delay.item);
	(void)pam.set_item(handle, PAM_RHOST, peer);
	(void)pam.set_item(handle, PAM_TTY, SERVICE);
	rv = pam.authenticate(
	    handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (rv == PAM_SUCCESS)
		rv = pam.acct_mgmt(
		    handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (rv != PAM_SUCCESS && rv != PAM_AUTH_ERR &&
	    rv != PAM_USER_UNKNOWN)
		log_info("auth system: PAM: %s", pam.strerror(handle, rv));
	(void)pam.end(handle, rv);
	return rv == PAM_SUCCESS;
}
