#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The closing line of `make check` counts what happened, the ways of not answering among them."""
import json
import os
import subprocess
import tempfile

import tap


def summary(*tests, raw=None, name="testlog.json"):
    """The last line and the exit status for these (result, stdout) pairs."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(raw if raw is not None else "".join(
                json.dumps({"name": "t", "result": result, "stdout": text}) + "\n"
                for result, text in tests))
        done = subprocess.run([os.path.join(tap.ROOT, "tests/summary.py"), path], text=True,
                              capture_output=True, check=False)
    return done.stdout.splitlines()[-1], done.returncode


def expect(wanted, status, *tests, **raw):
    line, code = summary(*tests, **raw)
    if (line, code) != (wanted, status):
        yield "%r gives %r (%d), not %r (%d)" % (tests or raw, line, code, wanted, status)


def check_points():
    yield from expect("3 passed, 0 failed, 1 skipped", 0,
                      ("OK", "1..3\nok 1 a\nok 2 b # SKIP no\nok 3 - c\n"), ("OK", ""))
    yield from expect("1 passed, 1 failed, 0 skipped", 1, ("FAIL", "1..2\nok 1 a\nnot ok 2 b\n"))


def check_no_answer():
    yield from expect("2 passed, 1 failed, 0 skipped", 1, ("ERROR", "1..3\nok 1 a\nok 2 b\n"))
    yield from expect("1 passed, 1 failed, 0 skipped", 1, ("ERROR", "1..1\nok 1 a\n"))
    yield from expect("1 passed, 1 failed, 0 skipped", 1, ("OK", "ok 1 a\n"))
    yield from expect("0 passed, 1 failed, 0 skipped", 1, ("TIMEOUT", ""))
    yield from expect("1 passed, 1 failed, 0 skipped", 1, ("OK", "1..1\nok 1 a\nBail out! gone\n"))


def check_nothing_ran():
    yield from expect("0 passed, 0 failed, 0 skipped", 1, raw="")
    yield from expect("0 passed, 1 failed, 0 skipped", 1, raw="{")
    yield from expect("0 passed, 0 failed, 1 skipped", 1, ("SKIP", "1..0 # SKIP no\n"))


def check_tap_file():
    yield from expect("1 passed, 1 failed, 0 skipped", 1, raw="ok 1 a\nnot ok 2 b\n1..2\n",
                      name="stages.tap")


tap.main("/house/summary", [
    ("points", check_points),
    ("no-answer", check_no_answer),
    ("nothing-ran", check_nothing_ran),
    ("tap-file", check_tap_file),
])
