/*
 * The configuration: any file is either taken, all its values as conf.h and
 * pop3d.conf(5) promise, or refused with FILE:LINE and a reason.
 */
#include <sys/mman.h>

#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#include "common/conf.h"

static void
check_keypairs(const struct conf *c)
{
	const struct keypair *k;

	MUST(c->nkeypair <= CONF_KEYPAIRS_MAX);
	for (k = c->keypair; k < c->keypair + c->nkeypair; k++) {
		MUST(k->cert[0] == '/' && k->key[0] == '/' && k->line > 0);
		MUST(k->staple == NULL || k->staple[0] == '/');
	}
}

/* Reading what was written is the same again. */
static void
check_network(const struct network *n)
{
	char text[NETWORK_TEXT_SIZE];
	struct network again;

	MUST(n->family == 4 || n->family == 6);
	MUST(n->prefix <= (n->family == 4 ? 32 : 128));
	MUST(network_parse(&again, network_text(n, text)) == 0);
	MUST(memcmp(n, &again, sizeof(again)) == 0);
}

static void
check(const struct conf *c)
{
	size_t i;

	MUST(c->hostname[0] != '\0' && c->user[0] != '\0');
	MUST(c->accounts[0] == '/');
	MUST(c->maildir[0] == '/' || c->maildir[0] == '~');
	MUST(c->owner == NULL || c->owner[0] != '\0');
	MUST(c->junk[0] == '.' && c->junk[1] != '\0' &&
	    strchr(c->junk, '/') == NULL && strcmp(c->junk, "..") != 0);
	MUST(c->login_timeout >= 1 && c->login_timeout <= 3600);
	MUST(c->idle_timeout >= 1 && c->idle_timeout <= 86400);
	MUST(c->max_failures >= 1 && c->max_failures <= 100);
	MUST(c->max_sessions >= 1 && c->max_sessions <= CONF_SESSIONS_MAX);
	MUST(c->max_sessions_per_address >= 1 &&
	    c->max_sessions_per_address <= CONF_SESSIONS_MAX);
	MUST(c->listener_timeout >= 0 && c->listener_timeout <= 86400);
	MUST(c->auth_accounts || c->auth_system);
	MUST(c->noutgoing <= CONF_OUTGOING_MAX);
	for (i = 0; i < c->noutgoing; i++)
		MUST(c->outgoing[i].host[0] != '\0' &&
		    c->outgoing[i].port >= 1 && c->outgoing[i].port <= 65535);
	check_keypairs(c);
	MUST(c->npreset <= CONF_PRESETS_MAX);
	for (i = 0; i < c->npreset; i++)
		MUST(strchr(c->preset[i].text, '=') > c->preset[i].text);
	MUST(c->nproxy <= CONF_PROXIES_MAX);
	for (i = 0; i < c->nproxy; i++)
		check_network(&c->proxy[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char file[64];
	static int fd = -1;
	struct conf conf;
	char err[256], place[80];
	int rv;

	if (fd == -1) {
		MUST((fd = memfd_create("pop3d.conf", 0)) != -1);
		snprintf(file, sizeof(file), "/proc/self/fd/%d", fd);
	}
	MUST(ftruncate(fd, 0) == 0);
	MUST(pwrite(fd, data, size, 0) == (ssize_t)size);
	memset(err, 0x55, sizeof(err));
	rv = conf_load(&conf, file, err, sizeof(err));
	if (rv == 0)
		check(&conf);
	else {
		MUST(rv == -1 && memchr(err, '\0', sizeof(err)) != NULL);
		snprintf(place, sizeof(place), "%s:", file);
		MUST(strncmp(err, place, strlen(place)) == 0);
		MUST(strtol(err + strlen(place), NULL, 10) > 0);
	}
	conf_free(&conf);
	return 0;
}
