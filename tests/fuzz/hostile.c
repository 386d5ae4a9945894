/*
 * hostile SECONDS SEED KEEP PATH ...: the real store and the real auth, each
 * a process in its sandbox, and a session that has been taken over.
 *
 * What it says comes from the files (or those in the directories) PATH,
 * changed a little each time as SEED has it; fuzz_store.c knows the format,
 * auth takes them for noise.  However it ends, the process must not die by a
 * signal (the sandbox's, a trapped sanitizer's) and must be gone soon after
 * its session; no file may go without an UPDATE that carried its mark.  The
 * input of a finding is kept in KEEP.
 */
#include <sys/wait.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <time.h>

#include "auth/accounts.h"
#include "auth/auth.h"
#include "common/conf.h"
#include "common/log.h"
#include "store/store.h"
#include "tests/fuzz/maildrop.h"
#include "tests/fuzz/lines.h"

#define INPUT_MAX     4096
#define INPUTS_MAX    4096
#define AUTH_ONE_IN   50 /* it computes a slow hash for each question */
#define GONE_WITHIN_S 20

static struct input inputs[INPUTS_MAX];
static size_t ninputs;
static uint8_t chosen[INPUT_MAX];
static size_t nchosen;
static const char *keep;
static struct conf conf;
static struct msg_verdict verdict;
static struct message got; /* large */

static void __attribute__((noreturn, format(printf, 1, 2)))
found(const char *fmt, ...)
{
	va_list ap;
	int fd;

	va_start(ap, fmt);
	vwarnx(fmt, ap);
	va_end(ap);
	fd = open(keep, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd == -1 || write(fd, chosen, nchosen) != (ssize_t)nchosen)
		err(1, "%s", keep);
	errx(1, "kept in %s", keep);
}

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void
load(const char *path)
{
	static uint8_t data[INPUT_MAX];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd == -1 ? -1 : read(fd, data, sizeof(data));
	struct input in = { data, n > 0 ? (size_t)n : 0 };

	if (n > 0 && ninputs < INPUTS_MAX) {
		inputs[ninputs].at =
		    take(&in, (size_t)n, &inputs[ninputs].left);
		ninputs++;
	}
	if (fd != -1)
		close(fd);
}

static void
load_all(const char *name)
{
	char path[PATH_MAX];
	struct dirent *d;
	DIR *dir;

	if ((dir = opendir(name)) == NULL) {
		load(name);
		return;
	}
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.' &&
		    (size_t)snprintf(path, sizeof(path), "%s/%s", name,
			d->d_name) < sizeof(path))
			load(path);
	closedir(dir);
}

/* One of the inputs, with up to three octets changed. */
static struct input
choose(void)
{
	const struct input *in = &inputs[(size_t)random() % ninputs];
	int changes = (int)(random() % 4);

	nchosen = in->left;
	memcpy(chosen, in->at, nchosen);
	while (changes-- > 0)
		chosen[(size_t)random() % nchosen] = (uint8_t)random();
	return (struct input){ chosen, nchosen };
}

/* Everything that has come so far; 0 when the other end is gone. */
static int
listen_to(int session, int wait_ms)
{
	struct pollfd p = { session, POLLIN, 0 };

	while (poll(&p, 1, wait_ms) == 1) {
		/* Once it is gone that is told first, then what it said. */
		if (channel_recv_fds(session, &got) != 1 &&
		    channel_recv_fds(session, &got) != 1)
			return 0;
		channel_close_fds(&got);
		if (got.type == MSG_UPDATED)
			updated = 1;
	}
	return 1;
}

/* To the store: one request after the other, every answer taken. */
static void
talk_to_store(int session, struct input *in)
{
	unsigned char buf[RAW_MAX];
	unsigned int nfd;
	size_t len;

	while (in->left > 0 && listen_to(session, 0)) {
		len = take_request(in, buf, &nfd);
		note_marks(buf, len);
		if (send_raw(session, buf, len, nfd) == -1)
			break;
	}
	shutdown(session, SHUT_WR);
	while (listen_to(session, -1))
		continue;
}

/* To auth: all at once, and gone. */
static void
talk_to_auth(int session, struct input *in)
{
	unsigned char buf[RAW_MAX];
	unsigned int nfd, how;
	size_t len;

	while (in->left > 0) {
		how = take8(in);
		len = take_message(in, how % 8 ? MSG_LOGIN : how,
		    sizeof(struct msg_login), buf, &nfd);
		if (send_raw(session, buf, len, nfd) == -1)
			break;
	}
}

static void
must_end(pid_t pid, const char *what)
{
	int64_t deadline = now() + GONE_WITHIN_S;
	static const struct timespec pause = { 0, 1000000 };
	pid_t gone;
	int status;

	while ((gone = waitpid(pid, &status, WNOHANG)) == 0) {
		if (now() > deadline)
			found("%s is still there, process %d", what,
			    (int)pid);
		nanosleep(&pause, NULL);
	}
	if (gone == -1 || !WIFEXITED(status))
		found("%s: died by signal %d", what, WTERMSIG(status));
}

/* A file that is gone must have been marked in a session that said UPDATE. */
static void
check_maildrop(void)
{
	int n, gone = 0;

	for (n = 1; n <= MESSAGES; n++) {
		if (is_there(n))
			continue;
		if (!updated || !marked[n])
			found("store: message %d is gone, %s", n,
			    updated ? "not marked" : "no UPDATE");
		gone++;
	}
	if (gone > 0)
		furnish();
	forget_marks();
}

static void
try_store(struct input *in)
{
	const struct identity as = { 0, 0, 0 };
	int channel[2];
	pid_t pid;

	MUST(channel_pair(channel) == 0);
	MUST((pid = fork()) != -1);
	if (pid == 0) {
		close(channel[1]);
		store_begin(
		    &conf, &as, &verdict, channel[0], "192.0.2.1");
		store_run(&conf);
	}
	close(channel[0]);
	talk_to_store(channel[1], in);
	close(channel[1]);
	must_end(pid, "store");
	check_maildrop();
}

static void
try_auth(struct input *in)
{
	static const struct connection connection = { "0badc0de",
		"192.0.2.1" };
	const struct identity as = { 0, 0, 0 };
	int channel[2], verdicts[2];
	pid_t pid;

	MUST(channel_pair(channel) == 0 && channel_pair(verdicts) == 0);
	MUST((pid = fork()) != -1);
	if (pid == 0) {
		close(channel[1]);
		close(verdicts[1]);
		auth_run(&conf, &as, channel[0], verdicts[0], 0,
		    &connection);
	}
	close(channel[0]);
	close(verdicts[0]);
	talk_to_auth(channel[1], in);
	close(channel[1]);
	must_end(pid, "auth");
	/* Nobody has an account. */
	if (channel_recv(verdicts[1], &got) == 1)
		found("auth: let somebody in");
	close(verdicts[1]);
}

static void
start(void)
{
	struct accounts_edit *edit;
	char text[512];

	scratch_make();
	furnish();
	strlcpy(verdict.address, "you@example.com", sizeof(verdict.address));
	strlcpy(verdict.maildir, scratch_path("Maildir"),
	    sizeof(verdict.maildir));
	verdict.policy.auto_delete = 1;
	conf.junk = strdup(".Junk");
	conf.max_failures = 3;
	conf.auth_accounts = 1;
	/* Outside of what furnish() clears. */
	snprintf(text, sizeof(text), "%.400s.accounts", scratch);
	conf.accounts = strdup(text);
	MUST(conf.junk != NULL && conf.accounts != NULL);
	if (accounts_edit_begin(&edit, conf.accounts, text, sizeof(text)) ==
		-1 ||
	    accounts_edit_commit(edit, text, sizeof(text)) == -1)
		errx(1, "%s", text);
}

int
main(int argc, char *argv[])
{
	struct input in;
	unsigned long rounds;
	int64_t deadline;
	char lock[600];

	if (argc < 5)
		errx(2, "usage: hostile SECONDS SEED KEEP PATH ...");
	deadline = now() + atoi(argv[1]);
	srandom((unsigned int)atoi(argv[2]));
	keep = argv[3];
	for (; argc > 4; argc--)
		load_all(argv[argc - 1]);
	if (ninputs == 0)
		errx(1, "no input");
	/* As in pop3d: whoever is locked in can open nothing for the log. */
	log_open("hostile", 0);
	start();
	for (rounds = 0; now() < deadline; rounds++) {
		in = choose();
		if (rounds % AUTH_ONE_IN == 0)
			try_auth(&in);
		else
			try_store(&in);
	}
	printf("%lu sessions\n", rounds);
	snprintf(lock, sizeof(lock), "%s.lock", conf.accounts);
	(void)unlink(lock);
	(void)unlink(conf.accounts);
	return 0;
}
