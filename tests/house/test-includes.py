#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who includes whom: rooms look down only, programs see the public header only, and a public
sub-header taken on its own does not compile.
"""
import os
import re
import subprocess

import tap

BELOW = {
    "base": (),
    "signal": ("base",),
    "sandbox": ("base",),
    "remote": ("base",),
    "plugin": ("base", "signal", "sandbox"),
    "pipeline": ("base", "signal"),
    "module": ("base", "signal", "sandbox", "remote", "plugin", "pipeline"),
    "watch": ("base", "signal", "sandbox", "remote", "plugin", "pipeline"),
    "deploy": ("base", "signal", "sandbox", "remote", "plugin", "pipeline", "module"),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def header_rooms():
    rooms = {"hookrun-version.h": "base"}
    for room in tap.ROOMS:
        for path in tap.sources("libhookrun/" + room, ends=(".h",)):
            rooms[os.path.basename(path)] = room
    return rooms


def public_headers():
    return [path for path in tap.sources("libhookrun", ends=(".h", ".h.in"))
            if not path.endswith("-private.h") and os.path.basename(path) != "hookrun.h"]


def check_rooms():
    rooms = header_rooms()
    for room in tap.ROOMS:
        for path in tap.sources("libhookrun/" + room):
            for _, name in INCLUDE.findall(tap.read(path)):
                other = rooms.get(os.path.basename(name))
                if other and other != room and other not in BELOW[room]:
                    yield "%s includes %s of %s/, which is not below %s/" % (path, name, other, room)


def check_programs():
    rooms = header_rooms()
    for path in tap.sources("tools"):
        for quote, name in INCLUDE.findall(tap.read(path)):
            if os.path.basename(name) in rooms or (quote == '"' and name == "hookrun.h"):
                yield "%s includes %s; programs include <hookrun.h>" % (path, name)
            elif quote == '"':
                near = (os.path.dirname(path), "tools/common", "tools")
                if not any(os.path.exists(os.path.join(tap.ROOT, folder, name)) for folder in near):
                    yield "%s includes %s, which is neither beside it nor in tools/common" % (
                        path, name)


def check_hookrun_h():
    named = set(name for _, name in INCLUDE.findall(tap.read("libhookrun/hookrun.h")))
    for path in public_headers():
        name = os.path.basename(path).removesuffix(".in")
        if name not in named:
            yield "libhookrun/hookrun.h does not include " + name


def check_private_headers_stay_private():
    private = {os.path.basename(path) for path in tap.sources("libhookrun", ends=("-private.h",))}
    for path in public_headers() + ["libhookrun/hookrun.h"]:
        for _, name in INCLUDE.findall(tap.read(path)):
            if os.path.basename(name) in private:
                yield "%s is public and includes %s" % (path, name)


def check_direct_include():
    flags = subprocess.run(["pkg-config", "--cflags", "gio-2.0", "json-glib-1.0"], check=True,
                           capture_output=True, text=True).stdout.split()
    flags += ["-I" + os.path.join(root, "libhookrun", room)
              for root in (tap.ROOT, tap.BUILD) for room in tap.ROOMS]
    for path in public_headers():
        name = os.path.basename(path).removesuffix(".in")
        tried = subprocess.run(["cc", "-fsyntax-only", "-x", "c", "-"] + flags, text=True,
                               input='#include "%s"\n' % name, capture_output=True, check=False)
        if tried.returncode == 0 or "Include <hookrun.h>" not in tried.stderr:
            yield "%s can be included on its own" % path


tap.main("/house/includes", [
    ("rooms-look-down", check_rooms),
    ("programs-see-the-public-header", check_programs),
    ("hookrun-h-names-all", check_hookrun_h),
    ("private-headers-stay-private", check_private_headers_stay_private),
    ("sub-headers-refuse-to-stand-alone", check_direct_include),
])
