# pop3d: POSIX make, one compilation for each program.
#
#	make [SANITIZE=1] [STATIC=1]	pop3d and pop3ctl
#	make run			a demo on 127.0.0.1:9995, until Ctrl-C
#	make check			every test that takes minutes, not hours
#	make install [DESTDIR=] [PREFIX=]

PREFIX		= /usr/local
SYSCONFDIR	= /etc
CC		= cc
CFLAGS		= -O2 -g
LDFLAGS		=
SANITIZE	=
STATIC		=
PKG_CONFIG	= pkg-config

WARNINGS	= -Wall -Wextra -Wpedantic -Wshadow -Wconversion \
		  -Wstrict-prototypes -Wmissing-prototypes
HARDEN		= -fstack-protector-strong -fPIE -pie -Wl,-z,relro,-z,now
HARDEN_SANITIZE_ = -D_FORTIFY_SOURCE=2
CFLAGS_SANITIZE_1 = -fsanitize=address,undefined -fno-sanitize-recover=all \
		  -fno-omit-frame-pointer
PKGS		= libtls libbsd-overlay libmd libcrypt
PKGS_STATIC_1	= --static
LDFLAGS_STATIC_1 = -static-pie
CPPFLAGS	= -I. -D_GNU_SOURCE
PKG_CFLAGS	!= $(PKG_CONFIG) --cflags libtls libbsd-overlay libmd libcrypt
PKG_LIBS	!= $(PKG_CONFIG) $(PKGS_STATIC_$(STATIC)) --libs $(PKGS)

ALL_CFLAGS	= -std=c99 $(CPPFLAGS) $(PKG_CFLAGS) $(WARNINGS) $(HARDEN) \
		  $(HARDEN_SANITIZE_$(SANITIZE)) \
		  $(CFLAGS_SANITIZE_$(SANITIZE)) $(CFLAGS)
ALL_LDFLAGS	= $(LDFLAGS) $(LDFLAGS_STATIC_$(STATIC))
LIBS		= $(PKG_LIBS) -ldb

COMMON		= common/channel.c common/conf.c common/log.c
AUTH		= auth/accounts.c auth/password.c auth/record.c
CTL		= pop3ctl.c ctl/accounts.c
HEADERS		!= ls common/*.h session/*.h auth/*.h store/*.h ctl/*.h 2>/dev/null

all: pop3d pop3ctl

pop3ctl: $(CTL) $(COMMON) $(AUTH) $(HEADERS) Makefile
	$(CC) $(ALL_CFLAGS) -o $@ $(CTL) $(COMMON) $(AUTH) $(ALL_LDFLAGS) $(LIBS)
