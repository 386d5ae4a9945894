#include <string.h>

#include "common/log.h"
#include "listener/setup.h"

/* The n-th file; NULL: there is no such staple. */
static const char *
path_of(const struct conf *conf, size_t n)
{
	const struct keypair *k;

	if (n == 0)
		return conf->file;
	k = &conf->keypair[(n - 1) / 3];
	return n % 3 == 1 ? k->cert : n % 3 == 2 ? k->key : k->staple;
}

static size_t
count_files(const struct conf *conf)
{
	return 1 + 3 * conf->nkeypair;
}

/* A file that cannot be looked at is all zeros. */
static void
look(const struct conf *conf, size_t n, struct stat *st)
{
	const char *path = path_of(conf, n);

	if (path == NULL || stat(path, st) == -1)
		memset(st, 0, sizeof(*st));
}

static int
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Each is looked at before it is read: a change meanwhile is seen later. */
int
setup_read(struct setup *s, const char *file)
{
	char err[1024];
	size_t i;
	int rv;

	conf_free(&s->conf);
	s->conf.file = file;
	look(&s->conf, 0, &s->seen[0]);
	rv = conf_load(&s->conf, file, err, sizeof(err));
	for (i = 1; i < count_files(&s->conf); i++)
		look(&s->conf, i, &s->seen[i]);
	if (rv == 0)
		return identity_find(&s->as, &s->conf);
	log_warn("%s", err);
	return -1;
}

int
setup_has_changed(const struct setup *s)
{
	struct stat st;
	size_t i;

	for (i = 0; i < count_files(&s->conf); i++) {
		look(&s->conf, i, &st);
		if (!is_same(&st, &s->seen[i]))
			return 1;
	}
	return 0;
}
