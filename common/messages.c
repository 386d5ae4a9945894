#include <string.h>

#include "common/messages.h"

/* Does not compile unless every structure fits a message. */
typedef char every_structure_fits_a_message
    [sizeof(struct msg_login) <= CHANNEL_MAX &&
		sizeof(struct msg_verdict) <= CHANNEL_MAX &&
		sizeof(struct msg_marks) <= CHANNEL_MAX ?
	    1 :
	    -1];

#define STRING(type, structure, field)                  \
	{                                               \
		type, offsetof(structure, field),       \
		    sizeof(((structure *)NULL)->field), \
	}

/* Every string that a message carries. */
static const struct {
	uint32_t type;
	size_t offset, size;
} strings[] = {
	STRING(MSG_LOGIN, struct msg_login, user),
	STRING(MSG_LOGIN, struct msg_login, password),
	STRING(MSG_LOGIN, struct msg_login, mechanism),
	STRING(MSG_LOGIN, struct msg_login, peer),
	STRING(MSG_LOGIN, struct msg_login, via),
	STRING(MSG_LOGIN, struct msg_login, program),
	STRING(MSG_LOGIN, struct msg_login, local),
	STRING(MSG_LOGIN, struct msg_login, local_name),
	STRING(MSG_GRANTED, struct msg_granted, address),
	STRING(MSG_VERDICT, struct msg_verdict, id),
	STRING(MSG_VERDICT, struct msg_verdict, address),
	STRING(MSG_VERDICT, struct msg_verdict, maildir),
	STRING(MSG_VERDICT, struct msg_verdict, label),
	STRING(MSG_VERDICT, struct msg_verdict, mechanism),
	STRING(MSG_VERDICT, struct msg_verdict, peer),
	STRING(MSG_VERDICT, struct msg_verdict, via),
	STRING(MSG_OPEN, struct msg_open, tls),
	STRING(MSG_END, struct msg_end, reason),
	STRING(MSG_CONNECTION, struct msg_connection, connection.id),
	STRING(MSG_CONNECTION, struct msg_connection, connection.peer),
	STRING(MSG_GONE, struct msg_gone, id),
};

int
message_get(const struct message *m, uint32_t type, void *out, size_t size)
{
	size_t i;

	if (!channel_is(m, type, size))
		return 0;
	if (size > 0)
		memcpy(out, m->data, size);
	for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		if (strings[i].type == type)
			((char *)out)[strings[i].offset + strings[i].size -
			    1] = '\0';
	return 1;
}
