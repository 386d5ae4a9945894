#include <sys/types.h>

#include <errno.h>
#include <inttypes.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>

#include "store/unpack.h"

int
unpack_message(struct mbox *m, struct mbox_message *message,
    struct deposit *d, char hash[UNPACK_HASH + 1])
{
	char hex[SHA256_DIGEST_STRING_LENGTH];
	const char *data;
	SHA2_CTX sha;
	size_t len;
	int error;

	SHA256Init(&sha);
	while ((error = mbox_piece(m, message, &data, &len)) == 0 && len > 0) {
		SHA256Update(&sha, (const uint8_t *)data, len);
		if ((error = deposit_write(d, data, len)) != 0)
			return error;
	}
	SHA256End(&sha, hex);
	strlcpy(hash, hex, UNPACK_HASH + 1);
	return error;
}

int
unpack_id(struct uidls *uidls, const struct mbox *m,
    const struct mbox_message *message, const char *base)
{
	char id[17];

	if (message->uid == 0)
		return 0;
	snprintf(id, sizeof(id), "%08" PRIx32 "%08" PRIx32, message->uid,
	    mbox_uidvalidity(m));
	return uidls_add(uidls, INBOX, base, id);
}

int
unpack_keep(const struct mbox_message *message, struct deposit *d,
    const char *base)
{
	const int seen = message->seen_before || message->flags[0] != '\0';
	char name[NAME_OCTETS];

	if ((size_t)snprintf(name, sizeof(name), "%s%s%s", base,
		seen ? ":2," : "", message->flags) >= sizeof(name))
		return ENAMETOOLONG;
	return deposit_keep(d, name, seen ? CUR : NEW, message->date);
}
