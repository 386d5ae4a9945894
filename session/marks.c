#include <stdlib.h>
#include <string.h>

#include "session/marks.h"

#define GROW 1024 /* octets at a time */

int
marks_test(const struct marks *m, uint64_t n)
{
	uint64_t bit = n - 1;

	return bit / 8 < m->size && (m->bits[bit / 8] >> bit % 8 & 1) != 0;
}

int
marks_set(struct marks *m, uint64_t n)
{
	uint64_t bit = n - 1;
	unsigned char *bits;
	size_t size;

	if (bit / 8 >= m->size) {
		size = (size_t)(bit / 8 / GROW + 1) * GROW;
		if ((bits = realloc(m->bits, size)) == NULL)
			return -1;
		memset(bits + m->size, 0, size - m->size);
		m->bits = bits;
		m->size = size;
	}
	m->bits[bit / 8] = (unsigned char)(m->bits[bit / 8] | 1U << bit % 8);
	m->count++;
	return 0;
}

void
marks_clear(struct marks *m)
{
	free(m->bits);
	memset(m, 0, sizeof(*m));
}
