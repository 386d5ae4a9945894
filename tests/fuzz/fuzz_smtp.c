/*
 * sasl and a hostile SMTP server, with an auth that answers late, twice, or
 * what it was not asked: nobody may send whom auth has not let, each id is
 * answered at most once for each request, and lines are lines.
 */
#include "tests/fuzz/process.h"

#include <fcntl.h>

#include "sasl/sasl.c"

#define SENDER	  "one@example.com"
#define KNOWN_MAX 64

static struct conf conf = { .idle_timeout = 600, .login_timeout = 60 };
static struct server s;
static struct msg_login known[KNOWN_MAX];
static size_t nknown, granted, let_in;
static int smtp, judge;

/* The SMTP server's lines, in whatever pieces. */
static void
speak(struct input *in)
{
	size_t room, len, i;
	char *buf = line_room(&s.lines, &room);
	uint8_t *text = take(in, take8(in), &len);

	if (len > room)
		len = room;
	memcpy(buf, text, len);
	/* So that mutations find whole words. */
	for (i = 0; i < len; i++)
		if (buf[i] == '~')
			buf[i] = '\t';
	line_fed(&s.lines, len);
	free(text);
	take_lines(&s);
}

/* A line that never ends, or one that nearly does not. */
static void
flood(struct input *in)
{
	size_t room, times = take8(in);
	char *buf;

	for (; times > 0 && s.reason == NULL; times--) {
		if (requests_full(&s.requests))
			return;
		buf = line_room(&s.lines, &room);
		memset(buf, 'x', room);
		line_fed(&s.lines, room);
		take_lines(&s);
	}
}

/* What auth was asked. */
static void
hear_questions(void)
{
	static struct message m;
	struct pollfd p = { judge, POLLIN, 0 };

	while (poll(&p, 1, 0) == 1 && channel_recv(judge, &m) == 1) {
		MUST(nknown < KNOWN_MAX);
		MUST(message_get(
		    &m, MSG_LOGIN, &known[nknown], sizeof(known[0])));
		MUST(known[nknown].service == SERVICE_SEND);
		MUST(nknown == 0 || known[nknown].id > known[nknown - 1].id);
		MUST(strcmp(known[nknown].mechanism, "PLAIN") == 0 ||
		    strcmp(known[nknown].mechanism, "LOGIN") == 0);
		nknown++;
	}
}

static void
judge_one(struct input *in)
{
	unsigned int how = take8(in);
	struct msg_granted yes = { .address = SENDER };
	struct msg_denied no = { 0, 0 };
	unsigned char raw[RAW_MAX];
	unsigned int nfd;
	size_t len;

	hear_questions();
	if (nknown == 0)
		return;
	yes.id = no.id = known[take8(in) % nknown].id;
	if (how < 0x60) {
		granted++;
		MUST(channel_send(judge, MSG_GRANTED, &yes, sizeof(yes)) == 0);
	} else if (how < 0xf0)
		MUST(channel_send(judge, MSG_DENIED, &no, sizeof(no)) == 0);
	else {
		len = take_message(in, MSG_DENIED, sizeof(no), raw, &nfd);
		if (send_raw(judge, raw, len, nfd) == -1)
			return;
	}
	exchange_answer(&s);
	take_lines(&s);
}

static void
check_line(const char *line)
{
	const char *rest = line + strcspn(line, "\t");
	unsigned long id;
	char *end;

	MUST(strncmp(line, "OK\t", 3) == 0 || strncmp(line, "FAIL\t", 5) == 0 ||
	    strncmp(line, "CONT\t", 5) == 0);
	id = strtoul(rest + 1, &end, 10);
	MUST(id >= 1 && id <= UINT32_MAX && *end == '\t');
	if (line[0] != 'O')
		return;
	MUST(strcmp(end, "\tuser=" SENDER) == 0);
	MUST(++let_in <= granted);
}

/* All that it has said so far. */
static void
listen_to(void)
{
	static char said[65536];
	ssize_t n = read(smtp, said, sizeof(said) - 1);
	char *line = said, *end;

	if (n <= 0)
		return;
	said[n] = '\0';
	MUST(strlen(said) == (size_t)n && said[n - 1] == '\n');
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		check_line(line);
	}
}

static void
start(int channel[2], int client[2])
{
	char greeting[1024];

	MUST(channel_pair(channel) == 0);
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, client) == 0);
	memset(&s, 0, sizeof(s));
	s.conf = &conf;
	s.fd = client[0];
	s.channel = channel[0];
	s.patience = 1;
	smtp = client[1];
	judge = channel[1];
	nknown = granted = let_in = 0;
	exchange_greet(&s);
	MUST(read(smtp, greeting, sizeof(greeting)) > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	int channel[2], client[2], i;

	start(channel, client);
	/* Most inputs are to come further than the first line. */
	s.greeted = take8(&in) % 8 != 0;
	for (i = 0; i < 40 && in.left > 0 && s.reason == NULL; i++) {
		if (take8(&in) % 3 == 0)
			judge_one(&in);
		else if (requests_full(&s.requests))
			continue;
		else if (take8(&in) % 16 == 0)
			flood(&in);
		else
			speak(&in);
		MUST(requests_count(&s.requests) <= REQUESTS_MAX);
		hear_questions();
		listen_to();
	}
	close(channel[0]);
	close(channel[1]);
	close(client[0]);
	close(client[1]);
	return 0;
}
