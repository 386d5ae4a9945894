/*
 * OpenBSD: pledge(2) and unveil(2).  The system always has them, so
 * "required" makes no difference; a breach aborts the process.  syslog(3)
 * is sendsyslog(2) there, and needs no more than "stdio".
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/sandbox.h"

static int
promise(const char *promises)
{
	if (pledge(promises, NULL) == 0)
		return 0;
	log_warn("pledge \"%s\": %s", promises, strerror(errno));
	return -1;
}

int
sandbox_session(int channel, int required)
{
	(void)channel;
	(void)required;
	return promise("stdio recvfd");
}

int
sandbox_keys(int channel, int required)
{
	(void)channel;
	(void)required;
	return promise("stdio recvfd proc");
}

int
sandbox_session_kept(int channel, int required)
{
	return sandbox_session(channel, required);
}

/* The accounts are open already: not even "rpath". */
int
sandbox_auth(int channel, int verdict, int system, int accounts, int required)
{
	(void)channel;
	(void)verdict;
	(void)system;
	(void)accounts;
	(void)required;
	return promise("stdio");
}

int
sandbox_sasl(int channel, int required)
{
	(void)channel;
	(void)required;
	return promise("stdio");
}

int
sandbox_desk(int auth, int required)
{
	return sandbox_sasl(auth, required);
}

int
sandbox_judge(int desk, int clerk, int owner, int required)
{
	(void)desk;
	(void)clerk;
	(void)owner;
	(void)required;
	return promise("stdio recvfd");
}

int
sandbox_clerk(const char *dir, int auth, int desk, int required)
{
	(void)auth;
	(void)desk;
	(void)required;
	if (unveil(dir, "rwc") == -1) {
		log_warn("unveil %s: %s", dir, strerror(errno));
		return -1;
	}
	return promise("stdio rpath wpath cpath flock sendfd");
}

int
sandbox_web(int required)
{
	(void)required;
	return promise("stdio");
}

int
sandbox_system(void)
{
	return promise("stdio rpath getpw proc exec");
}

int
sandbox_store_sees(const char *path)
{
	if (unveil(path, "r") == 0)
		return 0;
	log_warn("unveil %s: %s", path, strerror(errno));
	return -1;
}

/* "fattr" is for the time that the store gives cur/ (maildir_stamp()). */
int
sandbox_store(const char *maildir, int channel, int required)
{
	(void)channel;
	(void)required;
	if (unveil(maildir, "rwc") == -1) {
		log_warn("unveil %s: %s", maildir, strerror(errno));
		return -1;
	}
	return promise("stdio rpath wpath cpath fattr flock sendfd");
}

/* There may be a hundred and some; TARGETS_AT_ONCE is less. */
int
sandbox_reader(const char *const *dir, size_t n, int required)
{
	size_t i;

	(void)required;
	for (i = 0; i < n; i++)
		if (unveil(dir[i], "r") == -1 && errno != ENOENT) {
			log_warn("unveil %s: %s", dir[i], strerror(errno));
			return -1;
		}
	return promise("stdio rpath");
}
