#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program's --help, its manual page and its completions name the same options and commands.

Usage: test-manual.py hookrun-deploy
"""
import os
import re
import subprocess
import sys

import tap

PATH = os.path.abspath(sys.argv[1])
PROGRAM = os.path.basename(PATH)
TOOL = PROGRAM.removeprefix("hookrun-")
PAGE = "docs/man/%s.rst" % PROGRAM
WITHOUT_COMMANDS = ("watch",)
COMPLETIONS = ["tools/%s/completion/%s" % (TOOL, name) for name in (
    PROGRAM + ".bash", "_" + PROGRAM, PROGRAM + ".fish")]


def help_text():
    return subprocess.run([PATH, "--help"], check=True, text=True, capture_output=True,
                          cwd="/", env=dict(os.environ, LC_ALL="C.UTF-8")).stdout


def options():
    """(short or None, long) of each option in --help."""
    return [(short[1] if short else None, name) for short, name in
            re.findall(r"^  (?:(-\w), )?--([a-z-]+)", help_text(), re.M)]


def commands():
    section = help_text().partition("Commands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  ([a-z]+) ", section, re.M)


def check_help():
    if not options() or (not commands() and TOOL not in WITHOUT_COMMANDS):
        yield "no options or commands found in --help"
    if "Example" not in help_text():
        yield "--help has no example"
    if help_text().count("\n") > 45:
        yield "--help does not fit a screen"


def check_manual_page():
    page = tap.read(PAGE)
    for short, name in options():
        head = r"^(?:-%s(?: [A-Z]+)?, )?--%s(?:=[A-Z]+)?$" % (short or "", name)
        if not re.search(head if short else head.replace("(?:-(?: [A-Z]+)?, )?", ""), page, re.M):
            yield "%s has no entry for --%s%s" % (PAGE, name, " (-%s)" % short if short else "")
    for command in commands():
        if not re.search(r"^%s$" % command, page, re.M):
            yield "%s has no entry for %s" % (PAGE, command)
    known = {name for _, name in options()}
    for name in re.findall(r"^(?:-\w(?: [A-Z]+)?, )?--([a-z][a-z-]*)", page, re.M):
        if name not in known:
            yield "%s describes --%s, which the program does not have" % (PAGE, name)


# Where the signals of a program are defined, and the section of README that lists them.
SIGNALS = {"deploy": ("libhookrun/deploy/hookrun-deployment.h", "## Signals of a deployment")}


def signals():
    """The signals of the program, as the header names them."""
    header = tap.read(SIGNALS[TOOL][0])
    return set(re.findall(r'^#define HOOKRUN_SIG_\w+ "([a-z.-]+)"', header, re.M))


def check_signals():
    """The page has an entry for each signal and for no other; README names each."""
    section = tap.read(PAGE).partition("\nSIGNALS\n")[2].partition("\n\nEXIT STATUS\n")[0]
    heads = re.findall(r"^([a-z][a-z., -]*[a-z])(?: \(SIG_\w+\))?\n    ", section, re.M)
    described = [name for head in heads for name in head.split(", ")]
    if not signals():
        yield "no signals were found in the header"
    for name in signals() - set(described):
        yield "%s has no entry for the signal %s" % (PAGE, name)
    for name in set(described) - signals():
        yield "%s describes the signal %s, which there is not" % (PAGE, name)
    if len(described) != len(set(described)):
        yield "%s describes a signal twice" % PAGE
    listed = tap.read("README.md").partition(SIGNALS[TOOL][1])[2].partition("\n## ")[0]
    for name in signals():
        if "`%s`" % name not in listed:
            yield "README.md does not list the signal %s" % name


def check_completions():
    for path in COMPLETIONS:
        text = tap.read(path)
        for _, name in options():
            if not re.search(r"(--|-l )%s\b" % name, text):
                yield "%s does not complete --%s" % (path, name)
        for command in commands():
            if not re.search(r"\b%s\b" % command, text):
                yield "%s does not complete %s" % (path, command)


tap.main("/house/manual/" + TOOL, [
    ("help", check_help),
    ("manual-page", check_manual_page),
    ("completions", check_completions),
] + ([("signals", check_signals)] if TOOL in SIGNALS else []))
