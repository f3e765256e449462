#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same example in four languages says the same.

Usage: test-examples.py NAME COMMAND...
"""
import subprocess
import sys

EXPECTED = """Good day, Dr Ada
plugin "example", handler "doorman", signal "shop.open": not in this house
"""

name, *command = sys.argv[1:]
done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=60,
                      check=False)
good = done.returncode == 0 and done.stdout == EXPECTED
print("1..1")
print("%s 1 /bindings/example/%s" % ("ok" if good else "not ok", name))
if not good:
    print("\n".join("# " + line for line in done.stdout.splitlines() + ["status %d" % done.returncode]))
sys.exit(0 if good else 1)
