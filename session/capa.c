#include <string.h>

#include "session/capa.h"
#include "session/talk.h"

#define SASL_OCTETS 128 /* the names of all mechanisms together */

/* What no single command stands for. */
static const char *const of_the_server[] = { "PIPELINING", "RESP-CODES",
	"AUTH-RESP-CODE", "EXPIRE NEVER", "IMPLEMENTATION pop3d", NULL };

static void
tell_commands(struct pop3 *p, const struct command *c)
{
	for (; c->keyword != NULL; c++)
		if (c->capability != NULL)
			talk_reply(p, "%s", c->capability);
}

static void
tell_mechanisms(struct pop3 *p, const struct mechanism *m)
{
	char names[SASL_OCTETS] = "";

	for (; m->name != NULL; m++) {
		strlcat(names, " ", sizeof(names));
		strlcat(names, m->name, sizeof(names));
	}
	if (names[0] != '\0')
		talk_reply(p, "SASL%s", names);
}

enum outcome
capa_run(struct pop3 *p, struct args *args)
{
	const struct command *const *state;
	const char *const *word;

	(void)args;
	talk_reply(p, "+OK capabilities follow");
	for (state = p->states; *state != NULL; state++)
		tell_commands(p, *state);
	tell_mechanisms(p, p->mechanisms);
	for (word = of_the_server; *word != NULL; word++)
		talk_reply(p, "%s", *word);
	talk_reply(p, ".");
	return OUTCOME_GOOD;
}
