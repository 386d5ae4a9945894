# pop3d.  GNU make and bmake run it.  Each source has its object in build/,
# what several programs need is archived in build/rooms.a, and the programs
# and the tests are linked with that.  Use -j: nothing here waits in vain.
#
#	make [SANITIZE=1] [STATIC=1]	the programs: pop3d, pop3ctl, ...; those
#					that a session or a login starts can be
#					linked statically
#	make run			a demo on 127.0.0.1:9995, until Ctrl-C
#	make check			the tests; check-long has patience, too,
#					check-boot boots machines, and
#					check-hosts has several
#	make lint			warnings and checkers, gcc and clang
#	make bench			measurements, see bench/
#	make coverage [FILES='tests/test_x.py ...']
#					what the tests run, room by room
#	make fuzz [SECONDS=n]		each target of tests/fuzz for so long
#	make install [DESTDIR=] [PREFIX=]
#	make uninstall, clean, deb

PREFIX		= /usr/local
SBINDIR		= $(PREFIX)/sbin
MANDIR		= $(PREFIX)/$(MANDIR_$(SYSTEM))
LIBDIR		= $(PREFIX)/lib
SHAREDIR	= $(PREFIX)/share
CGIDIR		= $(CGIDIR_$(SYSTEM))
CC		= cc
CFLAGS		= -O2 -g
LDFLAGS		=
SANITIZE	=
STATIC		=
SECONDS		= 60
FILES		=
MACHINES	= amd64 old arm64
STORAGE		= gluster nfs
PKG_CONFIG	= pkg-config
# Memory goes with the process, and libdb leaks when files are damaged.
PYTEST		= ASAN_OPTIONS=detect_leaks=0 /usr/bin/python3 -m pytest -q
# Two files of tests for each processor, for tests wait as long as they work;
# tests/conftest.py says which run alone.
SIDE_BY_SIDE	= -n $$((2 * $$(getconf _NPROCESSORS_ONLN))) --dist loadfile

WARNINGS	= -Wall -Wextra -Wpedantic -Wshadow -Wconversion \
		  -Wstrict-prototypes -Wmissing-prototypes
HARDEN		= -fstack-protector-strong -fPIE
HARDEN_LINK	= -pie -Wl,-z,relro,-z,now
HARDEN_SANITIZE_ = -D_FORTIFY_SOURCE=2
CFLAGS_SANITIZE_1 = -fsanitize=address,undefined -fno-sanitize-recover=all \
		  -fno-omit-frame-pointer

# What differs from system to system: files that end in one's name are its
# own, and so are flags and libraries.  OpenBSD has all of it in its base but
# Berkeley DB, which the port databases/db/v4 keeps out of the way of <db.h>,
# and liboath.
SYSTEM		!= case `uname` in OpenBSD) echo openbsd ;; *) echo linux ;; esac
DB4		= /usr/local
MANDIR_linux	= share/man
MANDIR_openbsd	= man
# OpenBSD's web server, and what it starts, are in a root of their own.
CGIDIR_linux	= $(PREFIX)/lib/cgi-bin
CGIDIR_openbsd	= /var/www/cgi-bin
NOT_linux	= _openbsd
NOT_openbsd	= _linux|_pam|_crypt
CPPFLAGS_linux	= -D_GNU_SOURCE
CPPFLAGS_openbsd = -I$(DB4)/include/db4 -isystem $(DB4)/include
PKGS_linux	= libtls libssl libcrypto
OVERLAY_linux	= libbsd-overlay
# Archives of these: to load and relocate them as shared libraries took a
# fifth of every session's time.
ARCHIVES_linux	= -lbsd -lmd -lcrypt -ldb -lresolv
ARCHIVED	= -Wl,-Bstatic
LIBS_linux	= $(ARCHIVED) $(ARCHIVES_linux) -Wl,-Bdynamic -ldl
LIBS_openbsd	= -L$(DB4)/lib/db4 -ldb -ltls -lssl -lcrypto
STATIC_linux	= $(ARCHIVES_linux) -ldl
STATIC_openbsd	= $(LIBS_openbsd)
# What few programs need of other packages: liboath, cmocka.
PORTS_openbsd	= -L$(DB4)/lib
# pop3web needs no TLS, and on OpenBSD it is where no shared library is.
WEB_LIBS_linux	= -lqrencode $(ARCHIVED) -lbsd -lmd -Wl,-Bdynamic
WEB_STATIC	= -static
WEB_LIBS_openbsd = $(WEB_STATIC) -L$(DB4)/lib -lqrencode
# Unit tests that need no system of their own.
TESTS_linux	= ls tests/unit/test_*.c
TESTS_openbsd	= grep -L -e '<linux/' -e '<sys/prctl.h>' -e '<sys/vfs.h>' \
		  -e '<sys/syscall.h>' -e '<crypt.h>' tests/unit/test_*.c

# Before the first `make run' of a bare machine there is no pkg-config.
PKG_CFLAGS	!= test -z "$(PKGS_$(SYSTEM))" || \
		  $(PKG_CONFIG) --cflags $(PKGS_$(SYSTEM)) \
		  $(OVERLAY_$(SYSTEM)) 2>/dev/null || :
PKG_LIBS	!= test -z "$(PKGS_$(SYSTEM))" || \
		  $(PKG_CONFIG) --libs $(PKGS_$(SYSTEM)) 2>/dev/null || :
PKG_STATIC	!= test -z "$(PKGS_$(SYSTEM))" || \
		  $(PKG_CONFIG) --static --libs $(PKGS_$(SYSTEM)) 2>/dev/null || :

CPPFLAGS	= -I. $(CPPFLAGS_$(SYSTEM))
ALL_CFLAGS	= -std=c99 $(CPPFLAGS) $(PKG_CFLAGS) $(WARNINGS) $(HARDEN) \
		  $(HARDEN_SANITIZE_$(SANITIZE)) \
		  $(CFLAGS_SANITIZE_$(SANITIZE)) $(CFLAGS)
LIBS		= $(LDFLAGS) $(PKG_LIBS) $(LIBS_$(SYSTEM))
# With STATIC=1.  What pop3settings, pop3web and the tests need has no archive
# everywhere.
LIBS_STATIC_	= $(LIBS)
LIBS_STATIC_1	= $(LDFLAGS) -static-pie $(PKG_STATIC) $(STATIC_$(SYSTEM))

ROOMS		!= ls common/*.c session/*.c auth/*.c store/*.c sasl/*.c \
		  settings/*.c | grep -Ev '($(NOT_$(SYSTEM)))\.c'
PARENT		!= ls *.c configtest/*.c listener/*.c keys/*.c | \
		  grep -Ev '^pop3(ctl|sasl|settings|web)'
CTL		!= ls pop3ctl*.c ctl/*.c
OTHERS		= pop3sasl.c pop3settings.c pop3web.c
WEB		!= ls web/*.c
TESTS		!= $(TESTS_$(SYSTEM)) | sed 's|.*/||; s|\.c$$||'

COMPILE		= $(CC) $(ALL_CFLAGS) -MMD -MP
LINK		= $(CC) $(ALL_CFLAGS) $(HARDEN_LINK)

# Two files that are written while make reads this, and only when they would
# change.  build/flags: what was built with other flags is built anew.
# build/rules: a rule for each object and each test.
FLAGS		= mkdir -p build; new='$(LINK) $(LIBS) $(LIBS_STATIC_$(STATIC))'; \
		  echo "$$new" | cmp -s - build/flags || \
		  echo "$$new" >build/flags
RULES		= etc/rules $(PARENT) $(CTL) $(OTHERS) $(WEB) $(ROOMS) -- $(TESTS) \
		  >build/rules.new; \
		  cmp -s build/rules.new build/rules || \
		  mv build/rules.new build/rules
WRITTEN		!= $(FLAGS); $(RULES)

all: pop3d pop3ctl pop3sasl pop3settings pop3web

include build/rules

# After `make clean' in the same command.
build/flags:
	@$(FLAGS)
build/rules: build/flags
	@$(RULES)

build/rooms.a: $(ROOMS:%.c=build/%.o) build/rules
	@rm -f $@
	@ar cr $@ $(ROOMS:%.c=build/%.o)

# Of no other program's.
build/web.a: $(WEB:%.c=build/%.o) build/rules
	@rm -f $@
	@ar cr $@ $(WEB:%.c=build/%.o)

# What pop3d -n needs to look at settings as pop3ctl does.
SETTINGS	= build/ctl/address.o build/ctl/settings.o

pop3d: $(PARENT:%.c=build/%.o) $(SETTINGS) build/rooms.a
	$(LINK) -o $@ $(PARENT:%.c=build/%.o) $(SETTINGS) build/rooms.a \
	    $(LIBS_STATIC_$(STATIC))

pop3ctl: $(CTL:%.c=build/%.o) build/rooms.a
	$(LINK) -o $@ $(CTL:%.c=build/%.o) build/rooms.a $(LIBS_STATIC_$(STATIC))

pop3sasl: build/pop3sasl.o build/rooms.a
	$(LINK) -o $@ build/pop3sasl.o build/rooms.a $(LIBS_STATIC_$(STATIC))

# What pop3ctl does, and users may do to themselves.
BY_USERS	= build/ctl/address.o build/ctl/change.o build/ctl/edit.o \
		  build/ctl/label.o build/ctl/output.o build/ctl/owner.o \
		  build/ctl/pipe.o build/ctl/revoke.o build/ctl/sessions.o \
		  build/ctl/settings.o build/ctl/targets.o

# Without the libraries of TLS, which it has no use for.
pop3settings: build/pop3settings.o $(BY_USERS) build/rooms.a
	$(LINK) -Wl,--as-needed -o $@ build/pop3settings.o $(BY_USERS) \
	    build/rooms.a $(PORTS_$(SYSTEM)) -loath $(LIBS)

pop3web: build/pop3web.o build/web.a build/rooms.a
	$(LINK) -o $@ build/pop3web.o build/web.a build/rooms.a $(LDFLAGS) \
	    $(WEB_LIBS_$(SYSTEM))

# Installs what is missing of Debian's packages, where root asks for it.
build-deps:
	@etc/packages build
check-deps:
	@etc/packages build check
long-deps:
	@etc/packages build check long
clients-deps:
	@etc/packages clients
lint-deps:
	@etc/packages build check lint
boot-deps:
	@etc/packages build boot
hosts-deps:
	@etc/packages build check hosts
fuzz-deps:
	@etc/packages build fuzz
coverage-deps:
	@etc/packages build check coverage

# A second make: only now can it find the libraries.
run: build-deps
	@$(MAKE) all
	@etc/demo

check: check-deps
	@$(MAKE) all unit
	$(PYTEST) $(SIDE_BY_SIDE) -m 'not long and not alone' tests
	$(PYTEST) -m 'not long and alone' tests

check-long: long-deps clients-deps
	@$(MAKE) all unit
	$(PYTEST) $(SIDE_BY_SIDE) -m 'not alone' tests
	$(PYTEST) -m 'alone' tests
	@$(MAKE) check-static

# Leaves a build of its own behind; the next make builds anew.
check-static: check-deps
	@$(MAKE) STATIC=1 all
	$(PYTEST) $(SIDE_BY_SIDE) -m 'not long and not alone' tests

# On machines of their own, that are booted for it.
check-boot: boot-deps
	tests/boot/run $(MACHINES)

# On several hosts, over a file system that they share.
check-hosts: hosts-deps
	@$(MAKE) all
	tests/hosts/run $(STORAGE)

# One by its name: make test_index.
unit: $(TESTS)
unit-programs: $(TESTS:%=build/%)

lint: lint-deps
	@$(MAKE) lint-now
lint-now:
	@tests/lint $(ALL_CFLAGS)

# Leaves a build of its own behind; the next make builds anew.
coverage: coverage-deps
	@tests/coverage $(FILES)

bench: build-deps
	@$(MAKE) all
	bench/run

# Shared libraries: a target may have a function of its own in place of one.
fuzz: fuzz-deps
	@$(MAKE) fuzz-now ARCHIVED=
fuzz-now: build/flags
	@SECONDS=$(SECONDS) tests/fuzz/run $(ALL_CFLAGS) -- $(LIBS)

install: all
	@DESTDIR=$(DESTDIR) SBINDIR=$(SBINDIR) MANDIR=$(MANDIR) \
	    CGIDIR=$(CGIDIR) LIBDIR=$(LIBDIR) SHAREDIR=$(SHAREDIR) SYSTEM=$(SYSTEM) etc/install
uninstall:
	@DESTDIR=$(DESTDIR) SBINDIR=$(SBINDIR) MANDIR=$(MANDIR) \
	    CGIDIR=$(CGIDIR) LIBDIR=$(LIBDIR) SHAREDIR=$(SHAREDIR) SYSTEM=$(SYSTEM) etc/install -u

deb:
	@etc/deb

clean:
	rm -rf build pop3d pop3ctl pop3sasl pop3settings pop3web

.PHONY: all build-deps check-deps long-deps clients-deps lint-deps fuzz-deps \
	boot-deps hosts-deps coverage-deps run check check-long check-static \
	check-boot check-hosts unit \
	unit-programs lint lint-now coverage bench fuzz fuzz-now install uninstall deb clean
