#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exported = mapped = declared = documented, and what was released stays as it was.

Usage: test-symbols.py LIBRARY
"""
import hashlib
import os
import re
import subprocess
import sys

import tap

MAP = "libhookrun/hookrun.map"
NODE = re.compile(r"^(HOOKRUN_\d+\.\d+) \{(.*?)^\}", re.S | re.M)
BLOCK = re.compile(r"/\*\*\n \* (?:SECTION:)?([\w:-]+?):(?: \([^\n]*)?\n(.*?)\*/", re.S)
TYPE = re.compile(r"G_DECLARE_\w+\s*\(\s*(Hookrun\w+)|^\}\s*(Hookrun\w+);|"
                  r"^typedef [^;{}]*?\(\*(Hookrun\w+)\)|^typedef struct _\w+ (Hookrun\w+);", re.M)
MACRO = re.compile(r"^#define (HOOKRUN_\w+)", re.M)
UNDOCUMENTED = re.compile(r"^HOOKRUN_(TYPE_\w+|H_INSIDE|AVAILABLE_IN_\w+|IS_\w+)$|_GET_(CLASS|IFACE)$")


def nodes():
    """Version node -> its symbols, as the map has them."""
    return {name: sorted(re.findall(r"^  (\w+);", body, re.M))
            for name, body in NODE.findall(tap.read(MAP))}


def public_headers():
    return [path for path in tap.sources("libhookrun", ends=(".h", ".h.in"))
            if not path.endswith("-private.h")]


def documented():
    """Name -> text of its gtk-doc block."""
    found = {}
    for path in tap.sources("libhookrun"):
        for name, text in BLOCK.findall(tap.read(path)):
            found[name] = text
    return found


def exported():
    """(symbol, version node) of all that the shared library defines."""
    listing = subprocess.run(["nm", "-D", "--defined-only", sys.argv[1]], check=True, text=True,
                             capture_output=True).stdout
    for line in listing.splitlines():
        kind, name = line.split()[-2:]
        if kind != "A":
            symbol, _, version = name.partition("@@")
            yield symbol, version


def check_map_follows_headers():
    tool = os.path.join(tap.ROOT, "libhookrun/update-symbol-map")
    headers = [os.path.join(tap.ROOT, path) for path in public_headers()]
    tried = subprocess.run([tool, "--check", os.path.join(tap.ROOT, MAP)] + headers, text=True,
                           capture_output=True, check=False)
    if tried.returncode:
        yield tried.stderr.strip()


def check_exported():
    mapped = {(symbol, node) for node, symbols in nodes().items() for symbol in symbols}
    present = set(exported())
    for symbol, node in sorted(present - mapped):
        yield "%s is exported as %s and not in %s" % (symbol, node or "unversioned", MAP)
    for symbol, node in sorted(mapped - present):
        yield "%s is in %s (%s) and not exported" % (symbol, MAP, node)


def types():
    for path in public_headers():
        for names in TYPE.findall(re.sub(r"/\*.*?\*/", "", tap.read(path), flags=re.S)):
            yield "".join(names)


def check_documented():
    blocks = documented()
    type_getters = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() + "_get_type" for name in types()}
    for node, symbols in nodes().items():
        since = "Since: " + node.split("_")[1]
        for symbol in symbols:
            if symbol not in blocks and symbol not in type_getters:
                yield symbol + " has no gtk-doc block"
            elif symbol in blocks and since not in blocks[symbol]:
                yield "%s lacks \"%s\"" % (symbol, since)


def check_types_documented():
    blocks = documented()
    macros = [name for path in public_headers() for name in MACRO.findall(tap.read(path))]
    for name in list(types()) + [name for name in macros if not UNDOCUMENTED.search(name)]:
        if "Since: " not in blocks.get(name, ""):
            yield name + " has no gtk-doc block with \"Since:\""


def check_released():
    """tests/house/released-symbols freezes a node by the hash of its symbols when it is released;
    the project's version tells which nodes are."""
    frozen = dict(re.findall(r"^(HOOKRUN_\d+\.\d+) (\w{64})$", tap.read("tests/house/released-symbols"), re.M))
    present = nodes()
    for node, expected in frozen.items():
        found = hashlib.sha256("\n".join(present.get(node, [])).encode()).hexdigest()
        if found != expected:
            yield "%s was released and has changed (%s)" % (node, found)
    version = re.search(r"version: '(\d+)\.(\d+)", tap.read("meson.build"))
    released = tuple(int(part) for part in version.groups())
    for node, symbols in present.items():
        if tuple(int(part) for part in node.split("_")[1].split(".")) <= released and node not in frozen:
            found = hashlib.sha256("\n".join(symbols).encode()).hexdigest()
            yield "%s is released: add \"%s %s\" to tests/house/released-symbols" % (node, node, found)


tap.main("/house/symbols", [
    ("map-follows-headers", check_map_follows_headers),
    ("exported-is-mapped", check_exported),
    ("documented", check_documented),
    ("types-documented", check_types_documented),
    ("released-stay", check_released),
])
