# SPDX-License-Identifier: GPL-2.0
#
# Functions for scripts that read the module's C sources. Nothing is compiled: a
# definition begins in the first column, as the kernel's style requires.
import os
import re

DEFINITION = re.compile(r"^([A-Za-z_][\w \t*]*?[ \t*])(\w+)\(((?:[^;{}()]|\([^()]*\))*)\)[^;{}()]*\n\{",
                        re.M)
# A prototype, also one whose parameters go over several lines.
DECLARATION = re.compile(r"^(?:extern )?[A-Za-z_][\w \t*]*?[ \t*](\w+)\((?:[^;{}()]|\([^()]*\))*\)"
                         r"[^;{}()=]*;", re.M)
# A variable outside of any function: with or without a value.
VARIABLE = re.compile(r"^((?!typedef|return|goto|case|else)[A-Za-z_][\w \t*]*?[ \t*])(\w+)"
                      r"(?:\[[^\]\n]*\])*(?:[ \t]+__\w+(?:\([^()\n]*\))?)*[ \t]*(?:=|;)", re.M)
# Variables made by a macro of the kernel: DEFINE_MUTEX(name), DEFINE_PER_CPU(type, name).
MADE = re.compile(r"^(static )?(?:DEFINE_(?:MUTEX|SPINLOCK|XARRAY\w*|IDR|IDA|SRCU|STATIC_KEY_\w+|"
                  r"STATIC_CALL\w*|HASHTABLE)|(?:BLOCKING|ATOMIC|RAW|SRCU)_NOTIFIER_HEAD|LIST_HEAD|"
                  r"DECLARE_RWSEM)\((\w+)|^(static )?DEFINE_PER_CPU\w*\([^,\n]+,\s*(\w+)", re.M)
# VEXFS_TUNABLE(name, ...) makes vexfs_name.
TUNABLE = re.compile(r"^(static )?VEXFS_TUNABLE\((\w+)", re.M)
# A macro with its continued lines: what it would define has no name yet.
MACRO = re.compile(r"^[ \t]*#[ \t]*define\b[^\n]*(?:(?<=\\)\n[^\n]*)*", re.M)
EXPORT = re.compile(r"^VEXFS_EXPORT(_KUNIT)?\((\w+)\)", re.M)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"\n]+)"', re.M)
WORD = re.compile(r"\b[A-Za-z_]\w*\b")


def bare(text):
    """The text without comments and with empty strings; line numbers do not change."""
    def blank(m):
        s = m.group(0)
        return '""' if s[0] == '"' else re.sub(r"[^\n]", " ", s)
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def sources(top, *dirs):
    """The C files below @dirs, as paths from @top."""
    for d in dirs:
        for where, _, files in sorted(os.walk(os.path.join(top, d))):
            for name in sorted(files):
                if name.endswith((".c", ".h")) and not name.endswith(".mod.c"):
                    yield os.path.relpath(os.path.join(where, name), top)


def functions(text):
    """(start, body, end, name, head) of each function in bare @text."""
    for m in DEFINITION.finditer(text):
        end = text.find("\n}", m.end())
        yield m.start(), m.end(), end if end >= 0 else len(text), m.group(2), m.group(1)


def read(top, path):
    with open(os.path.join(top, path), encoding="utf-8") as f:
        return f.read()
