/*
 * client PORT USER PASSWORD: one session with a POP3S server on loopback.
 * Each line of standard input is a step; when it is done, its line
 * "STEP microseconds octets" is printed:
 *
 *	login	PASS and STAT	(before it: connection, handshake, USER)
 *	list	LIST of all
 *	uidl	UIDL of all
 *	random	RETR of a message of many, median of 101
 *	serial	RETR of the first 1,000, one after the other
 *	pipe	RETR of the first 10,000, up to 100 in advance
 *	large	RETR of message 1, ten times
 *	delete	DELE of the first 10,000 (not measured), and QUIT
 *	quit	QUIT
 */
#include <sys/socket.h>

#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tls.h>
#include <unistd.h>

#define MANY	 10000
#define SOME	 1000
#define AHEAD	 100
#define SAMPLES	 101
#define REPEATED 10

#define LINE_OCTETS 512

static struct tls *tls;
static char in[256 * 1024], out[16384];
static size_t used; /* of out */
static size_t start, end;
static uint64_t octets;
static unsigned long count; /* of messages, from STAT */

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* A blocking descriptor, and yet: a record that was no data. */
static int
wants(ssize_t n)
{
	return n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT;
}

/* Sends what put() gathered. */
static void
flush(void)
{
	size_t sent = 0;
	ssize_t n;

	while (sent < used) {
		if (wants(n = tls_write(tls, out + sent, used - sent)))
			continue;
		if (n == -1)
			errx(1, "write: %s", tls_error(tls));
		sent += (size_t)n;
	}
	used = 0;
}

/* Gathers a command, which is sent before the next answer is read. */
static void
put(const char *fmt, ...)
{
	va_list ap;
	int len;

	if (sizeof(out) - used < LINE_OCTETS)
		flush();
	va_start(ap, fmt);
	len = vsnprintf(out + used, sizeof(out) - used, fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= sizeof(out) - used)
		errx(1, "a command is too long");
	used += (size_t)len;
}

static void
fill(void)
{
	ssize_t n;

	flush();
	if (start == end)
		start = end = 0;
	if (start > 0 && end == sizeof(in)) {
		memmove(in, in + start, end - start);
		end -= start;
		start = 0;
	}
	while (wants(n = tls_read(tls, in + end, sizeof(in) - end)))
		continue;
	if (n <= 0)
		errx(1, "the server hung up: %s", tls_error(tls));
	end += (size_t)n;
	octets += (uint64_t)n;
}

/* The next line, its newline replaced; valid until the next call. */
static char *
get(void)
{
	char *line, *newline;

	while ((newline = memchr(in + start, '\n', end - start)) == NULL)
		fill();
	*newline = '\0';
	line = in + start;
	start = (size_t)(newline - in) + 1;
	return line;
}

static char *
get_ok(void)
{
	char *line = get();

	if (strncmp(line, "+OK", 3) != 0)
		errx(1, "%s", line);
	return line;
}

/*
 * Skips a multi-line answer.  A newline, a dot and CRLF end it: messages
 * here have stuffed dots, so nothing else looks so.
 */
static void
skip_lines(void)
{
	char *dot;

	get_ok();
	if (end - start < 3)
		fill();
	if (end - start >= 3 && memcmp(in + start, ".\r\n", 3) == 0) {
		start += 3;
		return;
	}
	while ((dot = memmem(in + start, end - start, "\n.\r\n", 4)) == NULL) {
		/* The end may be split: three octets stay. */
		if (end - start > 3)
			start = end - 3;
		memmove(in, in + start, end - start);
		end -= start;
		start = 0;
		fill();
	}
	start = (size_t)(dot - in) + 4;
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double
random_messages(void)
{
	static double took[SAMPLES];
	double began;
	size_t i;

	srandom(1);
	for (i = 0; i < SAMPLES; i++) {
		began = now_us();
		put("RETR %ld\r\n", 1 + random() % (long)count);
		skip_lines();
		took[i] = now_us() - began;
	}
	qsort(took, SAMPLES, sizeof(took[0]), compare);
	return took[SAMPLES / 2];
}

static void
retrieve(unsigned long n, unsigned long ahead)
{
	unsigned long asked = 0, got;

	if (n > count)
		n = count;
	for (got = 0; got < n; got++) {
		/* Many commands in one write: refill when half are answered. */
		if (asked - got <= ahead / 2)
			while (asked < n && asked < got + ahead)
				put("RETR %lu\r\n", ++asked);
		skip_lines();
	}
}

static void
mark(void)
{
	unsigned long i, n = count < MANY ? count : MANY, got = 0;

	for (i = 1; i <= n; i++) {
		put("DELE %lu\r\n", i);
		if (i % AHEAD == 0)
			for (; got < i; got++)
				get_ok();
	}
	for (; got < n; got++)
		get_ok();
}

static double
step(const char *name, const char *password)
{
	double began = now_us();
	int i;

	if (strcmp(name, "login") == 0) {
		put("PASS %s\r\n", password);
		get_ok();
		put("STAT\r\n");
		count = strtoul(get_ok() + 4, NULL, 10);
	} else if (strcmp(name, "list") == 0 || strcmp(name, "uidl") == 0) {
		put("%s\r\n", name);
		skip_lines();
	} else if (strcmp(name, "random") == 0)
		return random_messages();
	else if (strcmp(name, "serial") == 0)
		retrieve(SOME, 1);
	else if (strcmp(name, "pipe") == 0)
		retrieve(MANY, AHEAD);
	else if (strcmp(name, "large") == 0)
		for (i = 0; i < REPEATED; i++) {
			put("RETR 1\r\n");
			skip_lines();
		}
	else if (strcmp(name, "delete") == 0 || strcmp(name, "quit") == 0) {
		if (name[0] == 'd')
			mark();
		began = now_us();
		put("QUIT\r\n");
		get_ok();
	} else
		errx(2, "no step %s", name);
	return now_us() - began;
}

static void
connect_to(int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct tls_config *config = tls_config_new();
	int fd, on = 1;

	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		err(1, "port %d", port);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	tls = tls_client();
	tls_config_insecure_noverifycert(config);
	tls_config_insecure_noverifyname(config);
	if (tls_configure(tls, config) == -1 ||
	    tls_connect_socket(tls, fd, "localhost") == -1 ||
	    tls_handshake(tls) == -1)
		errx(1, "TLS: %s", tls_error(tls));
}

int
main(int argc, char *argv[])
{
	char name[LINE_OCTETS];
	double took;

	if (argc != 4)
		errx(2, "usage: client PORT USER PASSWORD");
	setvbuf(stdout, NULL, _IOLBF, 0);
	connect_to(atoi(argv[1]));
	get_ok();
	put("USER %s\r\n", argv[2]);
	get_ok();
	while (fgets(name, sizeof(name), stdin) != NULL) {
		name[strcspn(name, "\n")] = '\0';
		octets = 0;
		took = step(name, argv[3]);
		printf("%s %.0f %llu\n", name, took,
		    (unsigned long long)octets);
	}
	return 0;
}
