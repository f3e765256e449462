#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How files read: licence line, a first comment, length, calls and words that have no place here."""
import os
import re

import tap

FOLDERS = ("libhookrun", "tools", "bindings", "tests", "docs", "demo", ".ci", "subprojects/packagefiles")
CODE = (".c", ".h", ".h.in", ".py", ".build", ".sh", ".vala", ".js", ".lua", ".options")
FORBIDDEN = re.compile(r"(?<![\w>.])(system|popen|strcpy|strcat|sprintf|vsprintf|mktemp|tmpnam|gets)\s*\(")
# The example of Porter's own documentation, as it stands there.
UNCHANGED = ("demo/project/shop/deployment.py",)
MAX_LINES, MAX_FUNCTION = 500, 70


def code_files():
    return [path for path in tap.sources(*FOLDERS, ends=CODE)] + ["meson.build", "Makefile"]


def without_comments(text):
    """The code with comments and strings blanked, line numbers kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def functions(text):
    """(name, first line, lines) of each function, by the layout clang-format gives: `{` and `}` in
    the first column."""
    start = None
    lines = without_comments(text).split("\n")
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start:
            head = " ".join(lines[max(0, start - 8):start - 1])
            names = re.findall(r"(\w+) \(", head)
            yield (names[-1] if names else "?", start, number - start + 1)
            start = None


def check_licence():
    for path in code_files():
        if path in UNCHANGED:
            continue
        head = tap.read(path).split("\n")[:2]
        if not any("SPDX-License-Identifier: " in line for line in head):
            yield path + " has no SPDX line at its top"


def check_first_comment():
    for path in tap.sources("libhookrun", "tools", "tests", "bindings", ends=(".c", ".h")):
        lines = tap.read(path).split("\n")
        if len(lines) < 2 or not lines[1].startswith("/*"):
            yield path + " does not say in its first comment what it is"


def check_length():
    for path in code_files():
        text = tap.read(path)
        lines = text.count("\n")
        if lines > MAX_LINES and "onger than" not in text[:1500]:
            yield "%s has %d lines and its first comment gives no reason (\"Longer than ...\")" % (path, lines)


def check_function_length():
    for path in tap.sources("libhookrun", "tools", ends=(".c",)):
        for name, line, length in functions(tap.read(path)):
            if length > MAX_FUNCTION:
                yield "%s:%d: %s has %d lines" % (path, line, name, length)


def check_calls():
    for path in tap.sources("libhookrun", "tools", "bindings", "tests", ends=(".c", ".h")):
        code = without_comments(tap.read(path))
        for match in FORBIDDEN.finditer(code):
            yield "%s:%d: %s()" % (path, code.count("\n", 0, match.start()) + 1, match.group(1))
        for match in re.finditer(r"\bgoto\b", code):
            yield "%s:%d: goto" % (path, code.count("\n", 0, match.start()) + 1)


def check_nothing_left_open():
    word = re.compile(r"\b(" + "TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    for path in code_files():
        for number, line in enumerate(tap.read(path).split("\n"), 1):
            found = word.search(line)
            if found:
                yield "%s:%d: %s" % (path, number, found.group(1))


def check_listed():
    """Every .c of a room is named in the room's meson.build: a forgotten file is never built."""
    for room in tap.ROOMS:
        listed = tap.read("libhookrun", room, "meson.build")
        for path in tap.sources("libhookrun/" + room, ends=(".c", ".h")):
            if os.path.dirname(path) == "libhookrun/" + room and os.path.basename(path) not in listed:
                yield "%s is not in libhookrun/%s/meson.build" % (path, room)


tap.main("/house/files", [
    ("licence", check_licence),
    ("first-comment", check_first_comment),
    ("length", check_length),
    ("function-length", check_function_length),
    ("calls", check_calls),
    ("nothing-left-open", check_nothing_left_open),
    ("all-are-built", check_listed),
])
