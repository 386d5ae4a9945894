#include <stdlib.h>
#include <string.h>

#include "auth/symbols.h"

/* 32 symbols; none of them looks like another. */
static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";

void
symbols_make(char *text, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (i > 0 && i % SYMBOLS_GROUP == 0)
			*text++ = '-';
		*text++ = alphabet[arc4random_uniform(sizeof(alphabet) - 1)];
	}
	*text = '\0';
}

int
symbols_read(const char *typed, char *symbols, size_t n)
{
	size_t used = 0;
	char c;

	for (; *typed != '\0'; typed++) {
		if (*typed == '-' || *typed == ' ')
			continue;
		c = *typed >= 'A' && *typed <= 'Z' ?
		    (char)(*typed - 'A' + 'a') : *typed;
		if (used == n || strchr(alphabet, c) == NULL)
			return -1;
		symbols[used++] = c;
	}
	symbols[used] = '\0';
	return used == n ? 0 : -1;
}
