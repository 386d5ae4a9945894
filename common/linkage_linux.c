#include <sys/auxv.h>

#include <nss.h>

#include "common/linkage.h"

/* The kernel loaded no dynamic linker for us. */
int
linkage_is_static(void)
{
	return getauxval(AT_BASE) == 0;
}

void
linkage_begin(void)
{
	if (!linkage_is_static())
		return;
	(void)__nss_configure_lookup("passwd", "files");
	(void)__nss_configure_lookup("group", "files");
}
