/*
 * Calls each function of common/sandbox_openbsd.c (unistd.h tells how) and
 * sees to it that what it asks of OpenBSD is what OpenBSD knows: promises
 * that exist, unveil(2) before pledge(2) has taken it away.  That the
 * processes can live with their promises can only be seen on OpenBSD.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/sandbox.h"

static int pledged, unveiled, refuse;

/* pledge(2) of OpenBSD 7.6, those that a server may have use for. */
static int
is_promise(const char *word, size_t len)
{
	static const char *const known[] = { "stdio", "rpath", "wpath", "cpath",
		"dpath", "tmppath", "inet", "mcast", "fattr", "chown", "flock",
		"unix", "dns", "getpw", "sendfd", "recvfd", "tape", "tty",
		"proc", "exec", "prot_exec", "settime", "ps", "vminfo", "id",
		"pf", "route", "wroute", "audio", "video", "bpf", "unveil",
		"error", "disklabel", "drm", "vmm" };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i]) == len &&
		    strncmp(known[i], word, len) == 0)
			return 1;
	return 0;
}

int
pledge(const char *promises, const char *execpromises)
{
	size_t len;

	printf("\tpledge \"%s\"\n", promises);
	for (; *promises != '\0'; promises += len + (promises[len] == ' ')) {
		len = strcspn(promises, " ");
		if (refuse || !is_promise(promises, len)) {
			errno = EINVAL;
			return -1;
		}
	}
	pledged = 1;
	return execpromises == NULL ? 0 : -1;
}

int
unveil(const char *path, const char *permissions)
{
	printf("\tunveil %s \"%s\"\n", path, permissions);
	if (refuse || pledged ||
	    strspn(permissions, "rwxc") != strlen(permissions)) {
		errno = EPERM;
		return -1;
	}
	unveiled = 1;
	return 0;
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	printf("\t");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static int
check(const char *name, int rv, int files)
{
	int good = refuse ? rv == -1 : rv == 0 && pledged && unveiled == files;

	printf("%s%s: %s\n", name, refuse ? ", refused" : "",
	    good ? "good" : "BAD");
	pledged = unveiled = 0;
	return !good;
}

int
main(void)
{
	static const char *const dirs[] = { "/mail/a", "/mail/b" };
	int bad = 0;

	for (refuse = 0; refuse < 2; refuse++) {
		bad += check("session", sandbox_session(3, 1), 0);
		bad += check("keys", sandbox_keys(3, 1), 0);
		bad += check("session of keys", sandbox_session_kept(3, 1), 0);
		bad += check("auth", sandbox_auth(3, 4, -1, -1, 1), 0);
		bad += check("sasl", sandbox_sasl(3, 1), 0);
		bad += check("desk", sandbox_desk(3, 1), 0);
		bad += check("judge", sandbox_judge(3, 4, 5, 1), 0);
		bad += check("clerk", sandbox_clerk("/accounts", 3, 4, 1), 1);
		bad += check("system", sandbox_system(), 0);
		bad += check("store", sandbox_store("/mail", 3, 1), 1);
		bad += check("reader", sandbox_reader(dirs, 2, 1), 1);
	}
	return bad != 0;
}
