#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Something else than a file, or a full disk, where hookrun-deploy writes: it says so, and what is there stays."""
import json
import os
import stat
import sys
import threading
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import tap  # noqa: E402
from place import Place  # noqa: E402


class OddCase(unittest.TestCase):
    """A test with a place of its own."""

    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        self.shop = self.place.target / "srv/shop"

    def ok(self, result):
        self.assertEqual(result.status, 0, repr(result))
        return result


class TestTrace(OddCase):
    """--trace FILE writes to what is there and never replaces it."""

    def setUp(self):
        super().setUp()
        self.file = self.place.folder / "trace"

    def test_pipe_gets_the_trace(self):
        os.mkfifo(self.file)
        texts = []
        end = os.open(self.file, os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(end, True)
        with os.fdopen(end) as stream:
            reader = threading.Thread(target=lambda: texts.append(stream.read()))
            result = None

            def run():
                nonlocal result
                result = self.place.deploy("--trace", str(self.file), "handlers")

            writer = threading.Thread(target=run)
            # Held open, so that the reader does not meet an end before there is a writer.
            keeper = os.open(self.file, os.O_WRONLY)
            reader.start()
            writer.start()
            writer.join()
            os.close(keeper)
            reader.join()
        self.ok(result)
        self.assertIn("traceEvents", json.loads(texts[0]))
        self.assertTrue(stat.S_ISFIFO(self.file.lstat().st_mode))

    def test_pipe_without_a_reader_is_refused(self):
        os.mkfifo(self.file)
        result = self.place.deploy("--trace", str(self.file))
        self.assertEqual(result.status, 2, repr(result))
        self.assertIn(str(self.file), result.err)
        self.assertTrue(stat.S_ISFIFO(self.file.lstat().st_mode))
        self.assertIsNone(self.place.page())

    def test_device_stays(self):
        if os.geteuid() == 0:
            os.mknod(self.file, stat.S_IFCHR | 0o666, os.makedev(1, 7))
        else:
            self.file.symlink_to("/dev/full")
        result = self.place.deploy("--trace", str(self.file))
        self.assertEqual(result.status, 1, repr(result))
        self.assertIn("No space left", result.err)
        self.assertTrue(stat.S_ISCHR(self.file.stat().st_mode))
        self.assertEqual(self.place.page(), "one")

    def test_link_is_followed(self):
        target = self.place.folder / "other"
        target.write_text("long text of another kind" * 10000)
        self.file.symlink_to(target)
        self.ok(self.place.deploy("--trace", str(self.file), "handlers"))
        self.assertIn("traceEvents", json.loads(target.read_text()))
        self.assertTrue(self.file.is_symlink())


if __name__ == "__main__":
    tap.main()
