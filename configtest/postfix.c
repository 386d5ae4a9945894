#include <stdio.h>
#include <string.h>

#include "configtest/postfix.h"

#define POSTCONF "PATH=/usr/sbin:/usr/local/sbin exec postconf 2>/dev/null "
#define LINE_SIZE (PATH_MAX + 128)

/* The next line without its end: 0, or -1. */
static int
read_line(FILE *f, char *line, size_t size)
{
	if (fgets(line, (int)size, f) == NULL)
		return -1;
	line[strcspn(line, "\n")] = '\0';
	return 0;
}

/* In the order in which they are asked for. */
static int
ask_main(struct postfix *p)
{
	struct postfix_login *l = &p->login[0];
	const struct {
		char *where;
		size_t size;
	} values[] = { { p->directory, sizeof(p->directory) },
		{ p->queue, sizeof(p->queue) }, { p->owner, sizeof(p->owner) },
		{ l->enabled, sizeof(l->enabled) },
		{ l->type, sizeof(l->type) }, { l->path, sizeof(l->path) } };
	FILE *f = popen(POSTCONF "-xh config_directory queue_directory "
	    "mail_owner smtpd_sasl_auth_enable smtpd_sasl_type "
	    "smtpd_sasl_path", "r");
	size_t i = 0;

	if (f == NULL)
		return -1;
	while (i < sizeof(values) / sizeof(values[0]) &&
	    read_line(f, values[i].where, values[i].size) == 0)
		i++;
	p->n = 1;
	return pclose(f) == 0 && i == sizeof(values) / sizeof(values[0]) ? 0 :
									   -1;
}

/* That service's, which says so far what main.cf does; NULL: too many. */
static struct postfix_login *
login_of(struct postfix *p, const char *service)
{
	struct postfix_login *l;

	for (l = p->login + 1; l < p->login + p->n; l++)
		if (strcmp(l->service, service) == 0)
			return l;
	if (p->n == POSTFIX_LOGINS_MAX)
		return NULL;
	*l = p->login[0];
	strlcpy(l->service, service, sizeof(l->service));
	p->n++;
	return l;
}

/* "submission/inet/smtpd_sasl_type = dovecot" */
static void
take_override(struct postfix *p, char *line)
{
	struct postfix_login *l;
	char *value = strstr(line, " = "), *name;

	if (value == NULL)
		return;
	*value = '\0';
	value += strlen(" = ");
	if ((name = strrchr(line, '/')) == NULL)
		return;
	*name++ = '\0';
	if (strncmp(name, "smtpd_sasl_", strlen("smtpd_sasl_")) != 0 ||
	    (l = login_of(p, line)) == NULL)
		return;
	if (strcmp(name, "smtpd_sasl_auth_enable") == 0)
		strlcpy(l->enabled, value, sizeof(l->enabled));
	else if (strcmp(name, "smtpd_sasl_type") == 0)
		strlcpy(l->type, value, sizeof(l->type));
	else if (strcmp(name, "smtpd_sasl_path") == 0)
		strlcpy(l->path, value, sizeof(l->path));
}

/* The options (-o) of master.cf. */
static int
ask_master(struct postfix *p)
{
	char line[LINE_SIZE];
	FILE *f = popen(POSTCONF "-xP", "r");

	if (f == NULL)
		return -1;
	while (read_line(f, line, sizeof(line)) == 0)
		take_override(p, line);
	return pclose(f) == 0 ? 0 : -1;
}

int
postfix_ask(struct postfix *p)
{
	memset(p, 0, sizeof(*p));
	return ask_main(p) == -1 || ask_master(p) == -1 ? -1 : 0;
}
