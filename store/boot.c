#include <sys/types.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef __OpenBSD__
#include <sys/sysctl.h>
#include <sys/time.h>
#endif

#include "store/boot.h"

static char host[64], id[64];

#ifdef __OpenBSD__
static int
read_boot(char *buf, size_t size)
{
	int mib[2] = { CTL_KERN, KERN_BOOTTIME };
	struct timeval t;
	size_t len = sizeof(t);

	if (sysctl(mib, 2, &t, &len, NULL, 0) == -1)
		return -1;
	snprintf(buf, size, "%lld.%06ld", (long long)t.tv_sec,
	    (long)t.tv_usec);
	return 0;
}
#else
static int
read_boot(char *buf, size_t size)
{
	ssize_t n;
	int fd;

	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n <= 0)
		return -1;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}
#endif

void
boot_learn(void)
{
	char *s;

	if (gethostname(host, sizeof(host)) == -1 ||
	    memchr(host, '\0', sizeof(host)) == NULL ||
	    read_boot(id, sizeof(id)) == -1) {
		/* A name that was cut tells nothing. */
		host[0] = id[0] = '\0';
		return;
	}
	for (s = host; *s != '\0'; s++)
		if (*s == ' ' || *s == '\n')
			*s = '_';
}

const char *
boot_host(void)
{
	return host;
}

const char *
boot_id(void)
{
	return id;
}
