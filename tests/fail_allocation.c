/*
 * One allocation of a mailbox owner's process fails: for test_allocation.py,
 * which preloads this.
 *
 * The file that POP3D_ALLOCATIONS names holds four numbers, shared by all
 * processes: which allocation is to fail (0: none), whose processes count
 * (a uid), how many there were, and how many failed.  A process counts from
 * when it has become that user.
 */
#include <sys/mman.h>
#include <sys/types.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

static volatile struct {
	uint32_t fail_at, uid, count, failed;
} *shared;
static int counting;

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("POP3D_ALLOCATIONS");
	void *map;
	int fd;

	if (path == NULL || (fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
		return;
	map = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		shared = map;
}

static int
fails(void)
{
	if (!counting || shared == NULL)
		return 0;
	if (++shared->count != shared->fail_at)
		return 0;
	shared->failed++;
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

/* The last step of becoming somebody else. */
int
setresuid(uid_t real, uid_t effective, uid_t saved)
{
	int (*next)(uid_t, uid_t, uid_t), rv;

	*(void **)&next = dlsym(RTLD_NEXT, "setresuid");
	rv = next(real, effective, saved);
	if (rv == 0 && shared != NULL && effective == shared->uid)
		counting = 1;
	return rv;
}
