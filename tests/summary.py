#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts test points and prints `N passed, N failed, N skipped` as the last line.

Usage: summary.py LOG... where a LOG is a testlog*.json of Meson or a .tap file. A program that
crashes, times out, has no plan or ends before its plan is done counts as failed whatever it said
before; so does a log that cannot be read. Exits with 1 unless something passed and nothing failed.
"""
import json
import re
import sys

POINT = re.compile(r"^(not )?ok\b([^#]*)(?:#\s*(skip|todo)\b)?", re.I)
PLAN = re.compile(r"^1\.\.(\d+)\s*(?:#\s*(skip)\b.*)?$", re.I)


class Count:
    """Points of one program or of all."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.faults = []

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.faults += other.faults

    def fail(self, what, points=1):
        self.failed += points
        self.faults.append(what)


def count_tap(name, text):
    count = Count()
    plan = None
    for line in text.splitlines():
        point, planned = POINT.match(line), PLAN.match(line)
        if planned:
            plan = int(planned.group(1))
            if plan == 0 and planned.group(2):
                count.skipped += 1
        elif point:
            refused, title, directive = point.groups()
            if directive:
                count.skipped += 1
            elif refused:
                count.fail("%s: %s" % (name, title.strip(" -")))
            else:
                count.passed += 1
        elif line.startswith("Bail out!"):
            count.fail("%s: %s" % (name, line))
    done = count.passed + count.failed + count.skipped
    if plan is None:
        count.fail("%s: no plan" % name)
    elif plan > done:
        count.fail("%s: %d of %d points missing" % (name, plan - done, plan), plan - done)
    return count


def count_meson(test):
    name, result = test["name"], test["result"]
    text = test.get("stdout", "")
    if re.search(r"^(1\.\.\d|(not )?ok\b)", text, re.M):
        count = count_tap(name, text)
    else:
        count = Count()
        if result in ("OK", "EXPECTEDFAIL"):
            count.passed = 1
        elif result == "SKIP":
            count.skipped = 1
    if result not in ("OK", "EXPECTEDFAIL", "SKIP") and not count.failed:
        count.fail("%s: %s" % (name, result.lower()))
    return count


def count_log(path):
    count = Count()
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            if path.endswith(".tap"):
                return count_tap(path, file.read())
            tests = [json.loads(line) for line in file if line.strip()]
    except (OSError, ValueError) as error:
        count.fail("%s: %s" % (path, error))
        return count
    for test in tests:
        count.add(count_meson(test))
    return count


def main(paths):
    total = Count()
    for path in paths:
        total.add(count_log(path))
    for fault in total.faults:
        print("failed: " + fault)
    print("%d passed, %d failed, %d skipped" % (total.passed, total.failed, total.skipped))
    return 0 if total.passed and not total.failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
