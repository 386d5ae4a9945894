#include "common/linkage.h"

int
linkage_is_static(void)
{
	return 0;
}

void
linkage_begin(void)
{
}
