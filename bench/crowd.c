/*
 * crowd PORT USERS RATE SECONDS SPARE: many people's clients, each of which
 * looks for mail at a time of its own.  USERS has "NAME PASSWORD MAILDIR"
 * lines, who come in this order, again and again; SPARE is a directory of
 * messages, mail's, that are linked into new/ for the polls that find new
 * mail.  RATE polls begin in a second, whether those before have ended or
 * not; a poll is connection, TLS, login, STAT, UIDL, RETR of what is new, and
 * QUIT.  Prints one line: how many were good and how many were not, the 50th,
 * 95th and 99th percentile, in ms, from the moment when a poll was due, and
 * the average number of polls at work.  Slow clients wait between commands,
 * and are not in the percentiles.
 */
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>

#include <err.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS	  1000 /* at work at once, at most */
#define USERS_MAX 100000
#define NEW_IN	  50 /* one poll of so many finds new mail */
#define SLOW_IN	  20 /* one of so many is slow */
#define SLOW_US	  500000

struct user {
	const char *name, *password, *maildir;
};

static struct user user[USERS_MAX];
static size_t nuser, turn;
static int port;
static const char *spare;
static SSL_CTX *context;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static double rate, next, end; /* s */
static double *took;	       /* ms */
static size_t good, bad, timed, delivered;
static double at_work; /* s, of all polls together */

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
read_users(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[1024];

	if (f == NULL)
		err(1, "%s", path);
	while (nuser < USERS_MAX && fgets(line, sizeof(line), f) != NULL) {
		user[nuser].name = strdup(strtok(line, " \n"));
		user[nuser].password = strdup(strtok(NULL, " \n"));
		user[nuser].maildir = strdup(strtok(NULL, " \n"));
		nuser++;
	}
	fclose(f);
}

/* The next poll: when it is due, whose it is, and of what kind. */
static int
take_turn(double *due, const struct user **who, int *new, int *slow)
{
	int more;

	pthread_mutex_lock(&lock);
	next += -log(drand48()) / rate;
	*due = next;
	more = next < end;
	*who = &user[turn++ % nuser];
	*new = lrand48() % NEW_IN == 0;
	*slow = lrand48() % SLOW_IN == 0;
	pthread_mutex_unlock(&lock);
	return more;
}

static void
note(double due, double began, int slow, int ok)
{
	double done = now();

	pthread_mutex_lock(&lock);
	at_work += done - began;
	if (ok)
		good++;
	else
		bad++;
	if (ok && !slow)
		took[timed++] = (done - due) * 1000;
	pthread_mutex_unlock(&lock);
}

static void
deliver(const struct user *who)
{
	char from[512], to[512];
	size_t n;

	pthread_mutex_lock(&lock);
	n = delivered++;
	pthread_mutex_unlock(&lock);
	snprintf(from, sizeof(from), "%s/%zu", spare, n % 100);
	snprintf(to, sizeof(to), "%s/new/%ld.M%zuP%ld.crowd", who->maildir,
	    (long)time(NULL), n, (long)getpid());
	if (link(from, to) == -1)
		err(1, "%s", to);
}

/* An answer; all of it ends with "\r\n.\r\n" where there are many lines. */
static int
hear(SSL *ssl, int lines)
{
	static __thread char buf[65536];
	const char *tail = lines ? "\r\n.\r\n" : "\r\n";
	size_t used = 0, want = strlen(tail);
	int n;

	for (;;) {
		n = SSL_read(ssl, buf + used, (int)(sizeof(buf) - used));
		if (n <= 0)
			return -1;
		used += (size_t)n;
		if (buf[0] != '+')
			return -1;
		if (used >= want && memcmp(buf + used - want, tail, want) == 0)
			return 0;
		if (used > sizeof(buf) / 2) { /* the end is enough */
			memmove(buf + 1, buf + used - want, want);
			used = want + 1;
		}
	}
}

static int
say(SSL *ssl, int slow, int lines, const char *command, const char *argument)
{
	char line[512];
	int len = snprintf(line, sizeof(line), "%s%s\r\n", command, argument);

	if (slow)
		usleep(SLOW_US);
	return SSL_write(ssl, line, len) == len ? hear(ssl, lines) : -1;
}

static int
talk(SSL *ssl, const struct user *who, int new, int slow)
{
	if (SSL_connect(ssl) != 1 || hear(ssl, 0) == -1 ||
	    say(ssl, slow, 0, "USER ", who->name) == -1 ||
	    say(ssl, slow, 0, "PASS ", who->password) == -1 ||
	    say(ssl, slow, 0, "STAT", "") == -1 ||
	    say(ssl, slow, 1, "UIDL", "") == -1 ||
	    (new && say(ssl, slow, 1, "RETR 1", "") == -1))
		return 0;
	return say(ssl, slow, 0, "QUIT", "") == 0;
}

static int
look_for_mail(const struct user *who, int new, int slow)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int on = 1, ok, fd = socket(AF_INET, SOCK_STREAM, 0);
	SSL *ssl = SSL_new(context);

	if (fd == -1 || ssl == NULL)
		errx(1, "out of descriptors or memory");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	SSL_set_fd(ssl, fd);
	ok = connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 &&
	    talk(ssl, who, new, slow);
	SSL_free(ssl);
	close(fd);
	return ok;
}

static void *
be_people(void *arg)
{
	double due, began, wait;
	const struct user *who;
	int new, slow, ok;

	while (take_turn(&due, &who, &new, &slow)) {
		if ((wait = due - now()) > 0)
			usleep((useconds_t)(wait * 1e6));
		if (new)
			deliver(who);
		began = now();
		ok = look_for_mail(who, new, slow);
		note(due, began, slow, ok);
	}
	return arg;
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double
percentile(int n)
{
	return timed == 0 ? NAN : took[(timed - 1) * (size_t)n / 100];
}

int
main(int argc, char *argv[])
{
	pthread_t thread[CLIENTS];
	double seconds;
	size_t i;

	if (argc != 6)
		errx(2, "usage: crowd PORT USERS RATE SECONDS SPARE");
	port = atoi(argv[1]);
	read_users(argv[2]);
	rate = atof(argv[3]);
	seconds = atof(argv[4]);
	spare = argv[5];
	context = SSL_CTX_new(TLS_client_method());
	took = calloc((size_t)(rate * seconds * 2) + 1000, sizeof(*took));
	if (nuser < 2 * CLIENTS || context == NULL || took == NULL)
		errx(1, "too few users, or out of memory");
	next = now();
	end = next + seconds;
	for (i = 0; i < CLIENTS; i++)
		if (pthread_create(&thread[i], NULL, be_people, NULL) != 0)
			errx(1, "no thread");
	for (i = 0; i < CLIENTS; i++)
		pthread_join(thread[i], NULL);
	qsort(took, timed, sizeof(*took), compare);
	printf("%zu %zu %.1f %.1f %.1f %.1f\n", good, bad, percentile(50),
	    percentile(95), percentile(99), at_work / seconds);
	return 0;
}
