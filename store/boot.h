/*
 * Which machine this is, and since which start of it.
 */
#ifndef STORE_BOOT_H
#define STORE_BOOT_H

/* Before the sandbox is entered: reads /proc. */
void boot_learn(void);

/*
 * The host's name and the boot's, without blanks.  Both are empty until they
 * have been learnt, and where that failed.
 */
const char *boot_host(void);
const char *boot_id(void);

#endif
