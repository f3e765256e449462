# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the unittest cases of a test script and reports them as TAP, which Meson reads.

A test script ends with `tap.main()`; arguments are name filters.
"""
import sys
import traceback
import unittest


class TapResult(unittest.TestResult):
    """Prints one TAP line a test, with the failure's traceback as comments."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def _line(self, ok, test, details=""):
        self.count += 1
        name = test.id().removeprefix("__main__.").replace("#", "")
        print("%s %d - %s" % ("ok" if ok else "not ok", self.count, name))
        for line in details.splitlines():
            print("# " + line)
        sys.stdout.flush()

    def addSuccess(self, test):
        super().addSuccess(test)
        self._line(True, test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._line(False, test, "".join(traceback.format_exception(*err)))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._line(False, subtest, "".join(traceback.format_exception(*err)))

    def addSkip(self, test, reason):
        # A test that cannot run is a test that failed: nothing hides here.
        super().addSkip(test, reason)
        self._line(False, test, "skipped: " + reason)


def main():
    """Runs every test case of the main module."""
    names = ["__main__." + name for name in sys.argv[1:]] or ["__main__"]
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    result = TapResult()
    suite.run(result)
    print("1..%d" % result.count)
    sys.exit(0 if result.wasSuccessful() and result.count else 1)
