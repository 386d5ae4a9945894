#include "auth/denial.h"

static const char *const words[] = {
	[DENIAL_NONE] = "none",
	[DENIAL_UNKNOWN] = "unknown",
	[DENIAL_OFF] = "off",
	[DENIAL_PASSWORD] = "password",
	[DENIAL_APP_PASSWORD] = "app-password-required",
	[DENIAL_EXPIRED] = "expired",
	[DENIAL_SERVICE] = "service",
	[DENIAL_NETWORK] = "network",
	[DENIAL_GUESSES] = "too-many-guesses",
	[DENIAL_CODE] = "code",
	[DENIAL_INVITATION] = "invitation",
	[DENIAL_SYSTEM] = "system",
};

const char *
denial_word(enum denial denial)
{
	return words[denial];
}
