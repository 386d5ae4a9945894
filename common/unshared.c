#include <sys/mman.h>

#include "common/unshared.h"

void *
unshared_new(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANON, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
#ifdef MADV_DONTFORK
	if (madvise(p, size, MADV_DONTFORK) == -1)
#else
	if (minherit(p, size, MAP_INHERIT_NONE) == -1)
#endif
	{
		(void)munmap(p, size);
		return NULL;
	}
	return p;
}
