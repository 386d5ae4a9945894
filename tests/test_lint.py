"""lint_structure.py finds what it is there to find, in small trees."""

import os
import shutil
import subprocess

import pytest

from daemon import HERE

FUNCTION = "int\n%s(void)\n{\n%s\treturn 0;\n}\n"

# talk.c and capa.c have their declarations in another file's header.
GOOD = {
    "pop3d.c": '#include "session/session.h"\n' + FUNCTION % ("main", ""),
    "common/log.h": "int log_open(void);\n",
    "common/log.c": '#include "common/log.h"\n' + FUNCTION % ("log_open", ""),
    "session/session.h": "int talk(void);\nint capa(void);\n",
    "session/talk.c": '#include "session/session.h"\n' +
                      FUNCTION % ("talk", "\tcapa();\n"),
    "session/capa.c": '#include "common/log.h"\n' + FUNCTION % ("capa", ""),
    "store/index.c": "#include <db.h>\n" +
                     FUNCTION % ("longest", "\tx();\n" * 40),
}

FAULTS = [
    ({"session/a.h": '#include "session/b.h"\n',
      "session/b.h": '#include "session/c.h"\n',
      "session/c.h": '#include "session/a.h"\n'},
     ["session/a.h:1: session/a needs session/b, and that leads back to "
      "session/a",
      "session/b.h:1: session/b needs session/c, and that leads back to "
      "session/b",
      "session/c.h:1: session/c needs session/a, and that leads back to "
      "session/c"]),
    # A .c includes what its own header is included by.
    ({"common/log.c": '\n#include "common/wire.h"\n',
      "common/wire.h": '#include "common/log.h"\n'},
     ["common/log.c:2: common/log needs common/wire, and that leads back to "
      "common/log",
      "common/wire.h:1: common/wire needs common/log, and that leads back to "
      "common/wire"]),
    # A file of one system is a part of its header's.
    ({"common/log_linux.c": '#include "common/wire.h"\n',
      "common/wire.h": '#include "common/log.h"\n'},
     ["common/log_linux.c:1: common/log needs common/wire, and that leads "
      "back to common/log",
      "common/wire.h:1: common/wire needs common/log, and that leads back to "
      "common/wire"]),
    # A circle of calls, where neither includes the other.
    ({"session/capa.c": FUNCTION % ("capa", "\ttalk();\n")},
     ["session/capa.c:4: session/capa needs session/talk, and that leads back "
      "to session/capa",
      "session/talk.c:5: session/talk needs session/capa, and that leads back "
      "to session/talk"]),
    # A circle of rooms, without one of files.
    ({"auth/a.h": '#include "session/b.h"\n', "session/b.h": "",
      "session/c.h": '#include "auth/d.h"\n', "auth/d.h": ""},
     ["auth/a.h:1: auth needs session, and that leads back to auth",
      "session/c.h:1: session needs auth, and that leads back to session"]),
    ({"common/log.c": '#include "store/index.h"\n'},
     ['common/log.c:1: common/ includes "store/index.h" of another room']),
    ({"store/store.c": "\n#include <db.h>\n"},
     ["store/store.c:2: <db.h> is not for this file"]),
    ({"auth/a.c": "#include <sha2.h>\n#include <sys/types.h>\n",
      "auth/b.c": "#include <sys/types.h>\n\n#include <sha2.h>\n"},
     ["auth/a.c:1: <sha2.h> wants <sys/types.h> before it"]),
    ({"auth/a.c": "#include <arpa/inet.h>\nstruct in6_addr a;\n",
      "auth/b.c": "#include <netinet/in.h>\nstruct in6_addr a;\n"},
     ["auth/a.c:2: in6_addr wants <netinet/in.h>"]),
    ({"auth/a.c": "#include <sys/types.h>\n#include <resolv.h>\n",
      "auth/b.c": "#include <netinet/in.h>\n\n#include <resolv.h>\n"},
     ["auth/a.c:2: <resolv.h> wants <netinet/in.h> before it"]),
    ({"store/store.c": "/* Why. */\n" +
      FUNCTION % ("too_long", "\tx();\n" * 41)},
     ["store/store.c:2: a function of 46 lines; 45 are the most"]),
    ({"store/store.h": "int \n%s%s\n\t\t        int c;\n    \tint d;\n"
      % ("\t" * 9, "int b567;")},
     ["store/store.h:1: a blank at the end",
      "store/store.h:2: 81 columns; 80 are the most",
      "store/store.h:3: indented by blanks",
      "store/store.h:4: indented by blanks"]),
]


def lint(directory, files):
    for name, text in files.items():
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
    done = subprocess.run([HERE + "/lint_structure.py", directory],
                          text=True, capture_output=True)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_what_is_good_is_passed(tmp_path):
    assert lint(tmp_path, GOOD) == (0, [])


def test_nothing_is_not_good(tmp_path):
    assert lint(str(tmp_path), {}) == (1, [
        "%s: there are no sources here" % tmp_path])


def test_this_house_is_found_from_anywhere(tmp_path):
    """The copy's own sources, with a fault, and not those of where we are."""
    top = tmp_path / "top"
    for name, text in {**GOOD, "common/a.h": "int \n"}.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)
    (top / "tests").mkdir()
    shutil.copy(HERE + "/lint_structure.py", top / "tests")
    done = subprocess.run([str(top / "tests" / "lint_structure.py")],
                          text=True, capture_output=True, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (
        1, "common/a.h:1: a blank at the end\n", "")


@pytest.mark.parametrize("changed, told", FAULTS)
def test_a_fault_is_found(tmp_path, changed, told):
    assert lint(tmp_path, {**GOOD, **changed}) == (1, told)
