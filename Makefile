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
LIBS		= $(PKG_LIBS) -ldb -lresolv

COMMON		= common/channel.c common/conf.c common/log.c \
		  common/privdrop.c common/wire.c
SESSION		= session/authorization.c session/command.c session/line.c \
		  session/marks.c session/pop3.c session/sasl.c \
		  session/session.c session/stream.c session/tls.c \
		  session/transaction.c
AUTH		= auth/accounts.c auth/password.c auth/record.c
STORE		= store/check.c store/index.c store/listing.c store/lock.c store/mailbox.c \
		  store/maildir.c store/sync.c store/update.c
POP3D		= pop3d.c check.c auth/auth.c store/store.c
CTL		= pop3ctl.c ctl/accounts.c ctl/address.c ctl/app_passwords.c \
		  ctl/client_settings.c ctl/edit.c ctl/mailboxes.c \
		  ctl/settings.c ctl/transfer.c
HEADERS		!= ls *.h common/*.h session/*.h auth/*.h store/*.h ctl/*.h

all: pop3d pop3ctl

# The flags of the last build: other flags build anew.
.flags: FORCE
	@echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(LIBS)' | cmp -s - $@ || \
	    echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(LIBS)' >$@
FORCE:

pop3d: $(POP3D) $(COMMON) $(SESSION) $(AUTH) $(STORE) $(HEADERS) .flags
	$(CC) $(ALL_CFLAGS) -o $@ $(POP3D) $(COMMON) $(SESSION) $(AUTH) \
	    $(STORE) $(ALL_LDFLAGS) $(LIBS)

pop3ctl: $(CTL) $(COMMON) $(AUTH) $(STORE) $(HEADERS) .flags
	$(CC) $(ALL_CFLAGS) -o $@ $(CTL) $(COMMON) $(AUTH) $(STORE) \
	    $(ALL_LDFLAGS) $(LIBS)
