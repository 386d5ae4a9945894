# pop3d.  Plain make(1): the parts are archived in build/rooms.a, and the
# programs and the tests are linked with it.
#
#	make [SANITIZE=1] [STATIC=1]	pop3d and pop3ctl
#	make run			a demo on 127.0.0.1:9995, until Ctrl-C
#	make check			the tests; check-long has patience, too,
#					and check-boot boots a machine
#	make lint			warnings and checkers, gcc and clang
#	make bench			measurements, see bench/
#	make fuzz [SECONDS=n]		each target of tests/fuzz for so long
#	make install [DESTDIR=] [PREFIX=]
#	make uninstall, clean, deb

PREFIX		= /usr/local
SBINDIR		= $(PREFIX)/sbin
MANDIR		= $(PREFIX)/share/man
LIBDIR		= $(PREFIX)/lib
SHAREDIR	= $(PREFIX)/share
CC		= cc
CFLAGS		= -O2 -g
LDFLAGS		=
SANITIZE	=
STATIC		=
SECONDS		= 60
PKG_CONFIG	= pkg-config
# Memory goes with the process, and libdb leaks when files are damaged.
PYTEST		= ASAN_OPTIONS=detect_leaks=0 /usr/bin/python3 -m pytest -q

WARNINGS	= -Wall -Wextra -Wpedantic -Wshadow -Wconversion \
		  -Wstrict-prototypes -Wmissing-prototypes
HARDEN		= -fstack-protector-strong -fPIE -pie -Wl,-z,relro,-z,now
HARDEN_SANITIZE_ = -D_FORTIFY_SOURCE=2
CFLAGS_SANITIZE_1 = -fsanitize=address,undefined -fno-sanitize-recover=all \
		  -fno-omit-frame-pointer
PKGS		= libtls libssl libcrypto libbsd-overlay libmd libcrypt
PKGS_STATIC_1	= --static
LDFLAGS_STATIC_1 = -static-pie
CPPFLAGS	= -I. -D_GNU_SOURCE
# Before the first `make run' of a bare machine there is no pkg-config.
PKG_CFLAGS	!= $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null || :
PKG_LIBS	!= $(PKG_CONFIG) $(PKGS_STATIC_$(STATIC)) --libs $(PKGS) \
		  2>/dev/null || :

ALL_CFLAGS	= -std=c99 $(CPPFLAGS) $(PKG_CFLAGS) $(WARNINGS) $(HARDEN) \
		  $(HARDEN_SANITIZE_$(SANITIZE)) \
		  $(CFLAGS_SANITIZE_$(SANITIZE)) $(CFLAGS)
# Archives of these: to load and relocate them as shared libraries took a
# tenth of every session's time.
ARCHIVES_STATIC_ = -Wl,-Bstatic -ldb -lresolv -Wl,-Bdynamic
ARCHIVES_STATIC_1 = -ldb -lresolv
LIBS		= $(LDFLAGS) $(LDFLAGS_STATIC_$(STATIC)) $(PKG_LIBS) \
		  $(ARCHIVES_STATIC_$(STATIC)) -ldl

# Files of one system: *_openbsd.c there, its counterparts elsewhere.
ROOMS		!= case `uname` in OpenBSD) not='_linux|_pam|_crypt' ;; \
		  *) not=_openbsd ;; esac; \
		  ls common/*.c session/*.c auth/*.c store/*.c | \
		  grep -Ev "($$not)\.c"
CTL		!= ls ctl/*.c
HEADERS		!= ls *.h common/*.h session/*.h auth/*.h store/*.h ctl/*.h

all: pop3d pop3ctl

# The flags of the last build: other flags build anew.
build/flags: FORCE
	@mkdir -p build
	@echo '$(CC) $(ALL_CFLAGS) $(LIBS)' | cmp -s - $@ || \
	    echo '$(CC) $(ALL_CFLAGS) $(LIBS)' >$@
FORCE:

build/rooms.a: $(ROOMS) $(HEADERS) build/flags
	@rm -rf build/rooms $@ && mkdir -p build/rooms
	@echo 'cc -c $(ROOMS)'
	@echo $(ROOMS) | xargs -n 1 -P 2 sh -c '$(CC) $(ALL_CFLAGS) -c $$0 \
	    -o build/rooms/`echo $$0 | tr / _ | sed s/c$$/o/`'
	@ar cr $@ build/rooms/*.o

pop3d: pop3d.c configtest.c build/rooms.a
	$(CC) $(ALL_CFLAGS) -o $@ pop3d.c configtest.c build/rooms.a $(LIBS)

pop3ctl: pop3ctl.c $(CTL) build/rooms.a
	$(CC) $(ALL_CFLAGS) -o $@ pop3ctl.c $(CTL) build/rooms.a $(LIBS)

# Installs what is missing of Debian's packages, where root asks for it.
build-deps:
	@etc/packages build
check-deps:
	@etc/packages build check
long-deps:
	@etc/packages build check long
lint-deps:
	@etc/packages build check lint
boot-deps:
	@etc/packages build boot
fuzz-deps:
	@etc/packages build fuzz

# A second make: only now can it find the libraries.
run: build-deps
	@$(MAKE) all
	@etc/demo

check: check-deps
	@$(MAKE) all unit
	$(PYTEST) -m 'not long' tests

check-long: long-deps
	@$(MAKE) all unit
	$(PYTEST) -m 'long or not long' tests

# On a machine of its own, that is booted for it.
check-boot: boot-deps
	tests/boot/run

unit: build/rooms.a
	@for test in tests/unit/test_*.c; do \
		program=build/`basename $$test .c`; \
		$(CC) $(ALL_CFLAGS) -o $$program $$test build/rooms.a \
		    $(LIBS) -lcmocka && \
		    ASAN_OPTIONS=detect_leaks=0 $$program >build/unit.log 2>&1 || \
		    { cat build/unit.log; echo "$$test: failed"; exit 1; }; \
		grep SKIPPED build/unit.log; echo "$$test: good"; \
	done

lint: lint-deps
	@$(MAKE) lint-now
lint-now:
	@tests/lint $(ALL_CFLAGS)

bench: build-deps
	@$(MAKE) all
	bench/run

fuzz: fuzz-deps
	@$(MAKE) fuzz-now
fuzz-now: build/flags
	@SECONDS=$(SECONDS) tests/fuzz/run $(ALL_CFLAGS) -- $(LIBS)

install: all
	@DESTDIR=$(DESTDIR) SBINDIR=$(SBINDIR) MANDIR=$(MANDIR) \
	    LIBDIR=$(LIBDIR) SHAREDIR=$(SHAREDIR) etc/install
uninstall:
	@DESTDIR=$(DESTDIR) SBINDIR=$(SBINDIR) MANDIR=$(MANDIR) \
	    LIBDIR=$(LIBDIR) SHAREDIR=$(SHAREDIR) etc/install -u

deb:
	@etc/deb

clean:
	rm -rf build pop3d pop3ctl

.PHONY: all build-deps check-deps long-deps lint-deps fuzz-deps boot-deps run check check-long check-boot unit \
	lint lint-now bench fuzz fuzz-now install uninstall deb clean FORCE
