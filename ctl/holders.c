#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/holders.h"

#define CHAINS	 65536
#define FNV_BASE 14695981039346656037U
#define FNV	 1099511628211U

/* Of the account is looked up what its Maildir is by now. */
struct holder {
	struct holder *next;
	uint64_t hash;
	char address[]; /* with its NUL */
};

/* Without slashes that do not count. */
static void
simplify(const char *path, char simple[MAILDIR_MAX + 1])
{
	for (; *path != '\0'; path++)
		if (*path != '/' || (path[1] != '/' && path[1] != '\0'))
			*simple++ = *path;
	*simple = '\0';
}

static uint64_t
hash_of(const char *maildir)
{
	char simple[MAILDIR_MAX + 1];
	uint64_t hash = FNV_BASE;
	const char *c;

	simplify(maildir, simple);
	for (c = simple; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * FNV;
	return hash;
}

static int
same_maildir(const char *one, const char *other)
{
	char a[MAILDIR_MAX + 1], b[MAILDIR_MAX + 1];

	simplify(one, a);
	simplify(other, b);
	return strcmp(a, b) == 0;
}

void
holders_note(struct holders *h, const struct account *account)
{
	const size_t size = strlen(account->address) + 1;
	struct holder *new = malloc(sizeof(*new) + size);
	struct holder **chain;

	if (new == NULL)
		abort();
	new->hash = hash_of(account->maildir);
	memcpy(new->address, account->address, size);
	chain = &h->chain[new->hash % CHAINS];
	new->next = *chain;
	*chain = new;
}

int
holders_read(struct holders *h, struct accounts *accounts, char *err,
    size_t errsize)
{
	static struct account account; /* large */
	int found;

	h->accounts = accounts;
	if ((h->chain = calloc(CHAINS, sizeof(struct holder *))) == NULL)
		abort();
	/* One whose record cannot be read keeps nobody from adding others. */
	do {
		found = accounts_next(accounts, &account, err, errsize);
		if (found == 1)
			holders_note(h, &account);
	} while (found > 0);
	explicit_bzero(&account, sizeof(account));
	return found;
}

int
holders_find(struct holders *h, const struct account *account,
    char address[ADDRESS_MAX + 1])
{
	static struct account other; /* large */
	const uint64_t hash = hash_of(account->maildir);
	const struct holder *one;
	char err[ERR_SIZE];
	int found = 0;

	for (one = h->chain[hash % CHAINS]; one != NULL; one = one->next) {
		if (one->hash != hash ||
		    strcmp(one->address, account->address) == 0 ||
		    accounts_get(h->accounts, one->address, &other, err,
			sizeof(err)) != 1 ||
		    !same_maildir(other.maildir, account->maildir))
			continue;
		strlcpy(address, one->address, ADDRESS_MAX + 1);
		found = 1;
		break;
	}
	explicit_bzero(&other, sizeof(other));
	return found;
}

void
holders_free(struct holders *h)
{
	struct holder *one, *next;
	size_t i;

	for (i = 0; h->chain != NULL && i < CHAINS; i++)
		for (one = h->chain[i]; one != NULL; one = next) {
			next = one->next;
			free(one);
		}
	free(h->chain);
	h->chain = NULL;
}

int
holders_ask(struct accounts *accounts, const struct account *account,
    char address[ADDRESS_MAX + 1], char *err, size_t errsize)
{
	struct holders h = { NULL, NULL };
	int found = holders_read(&h, accounts, err, errsize);

	if (found == 0)
		found = holders_find(&h, account, address);
	holders_free(&h);
	return found;
}

void
holders_warn(const struct account *account, const char *address)
{
	(void)ctl_fail("warning: %s: " HOLDERS_SHARED, account->address,
	    address);
}
