# SPDX-License-Identifier: LGPL-2.1-or-later
"""The few lines a house test needs: runs the check_* functions of a module and prints TAP. A check
gives a list of complaints; an empty one is a pass.
"""
import os
import sys

ROOT = os.environ.get("HOOKRUN_SOURCE_ROOT") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("HOOKRUN_BUILD_ROOT") or os.path.join(ROOT, "build")
ROOMS = ("base", "signal", "sandbox", "remote", "plugin", "pipeline", "module", "watch", "deploy")


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as file:
        return file.read()


def sources(*folders, ends=(".c", ".h", ".h.in")):
    """Paths relative to the root of all sources in the folders, sorted."""
    found = []
    for folder in folders:
        for where, below, names in os.walk(os.path.join(ROOT, folder)):
            below[:] = [name for name in below if not name.startswith(("__", "."))]
            found += [os.path.relpath(os.path.join(where, name), ROOT) for name in names
                      if name.endswith(ends)]
    return sorted(found)


def main(prefix, checks):
    """Checks are (name, function) pairs; the exit status is 0 when all passed."""
    print("1..%d" % len(checks))
    failed = False
    for number, (name, check) in enumerate(checks, 1):
        complaints = list(check())
        failed = failed or bool(complaints)
        print("%s %d %s/%s" % ("not ok" if complaints else "ok", number, prefix, name))
        for complaint in complaints:
            print("# " + complaint)
    return sys.exit(1 if failed else 0)
