#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Something else than a file, or a full disk, where hookrun-deploy writes: it says so, and what is there stays."""
import json
import os
import stat
import subprocess
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


class TestStateFolder(OddCase):
    """What lies in .hookrun at the target must be what was made there."""

    def setUp(self):
        super().setUp()
        self.ok(self.place.deploy())
        self.own = self.shop / ".hookrun"
        self.place.commit("two")

    def refused(self, path, *words):
        result = self.place.deploy(*words)
        self.assertNotEqual(result.status, 0, repr(result))
        self.assertIn(str(path).removeprefix(str(self.place.target)), result.err)
        self.assertIn("remove it there", result.err)
        self.assertEqual(self.place.page(), "one")

    def test_pipes_are_refused_by_name(self):
        for name in ("lock", "writers", "journal", "history", "manifests"):
            with self.subTest(name=name):
                path = self.own / name
                kept = self.place.folder / name
                if path.exists():
                    path.rename(kept)
                os.mkfifo(path)
                self.refused(path)
                self.assertTrue(path.is_fifo())
                self.assertFalse((self.own / "probe").is_fifo())
                path.unlink()
                if kept.exists():
                    kept.rename(path)
        self.ok(self.place.deploy())
        self.assertEqual(self.place.page(), "two")

    def test_folder_in_place_of_a_file(self):
        for name in ("journal", "deployed.next"):
            path = self.own / name
            path.mkdir()
            self.refused(path)
            path.rmdir()

    def test_left_probe_is_not_used(self):
        for make in (os.mkfifo, os.mkdir):
            probe = self.own / "probe"
            probe.unlink(missing_ok=True)
            make(probe)
            self.place.commit("made by " + make.__name__)
            self.ok(self.place.deploy())
            self.assertEqual(self.place.page(), "made by " + make.__name__)

    def test_record_that_is_none(self):
        path = self.own / "deployed.json"
        text = path.read_text()
        path.write_text(json.dumps({"x": "y" * 1000000}))
        self.refused(path)
        self.refused(path, "status")
        path.unlink()
        os.mkfifo(path)
        self.refused(path)
        path.unlink()
        path.write_text(text)
        self.ok(self.place.deploy())


class TestFullDisk(OddCase):
    """Errors name a remedy; without room for the journal the run before is still what status tells."""

    def small_disk(self, folder):
        """Runs of the program see a disk of 512 KiB at @folder."""
        self.state = folder
        self.state.mkdir(parents=True)
        names = ["-m"] if os.geteuid() == 0 else ["-U", "-r", "-m"]
        disk = subprocess.Popen(
            ["unshare", *names, "sh", "-c", 'mount -t tmpfs -o size=512k none "$1" && echo && exec sleep 600',
             "sh", str(self.state)], stdout=subprocess.PIPE)
        self.addCleanup(disk.wait)
        self.addCleanup(disk.kill)
        self.addCleanup(disk.stdout.close)
        self.assertEqual(disk.stdout.readline(), b"\n")
        self.inside = ["nsenter", "-t", str(disk.pid), "-m"]
        if os.geteuid() != 0:
            self.inside += ["-U", "--preserve-credentials"]

    def deploy(self, *words):
        return self.place.run("--host", "here", *words, prefix=self.inside)

    def shell(self, command):
        return subprocess.run([*self.inside, "sh", "-c", 'cd "$1" && ' + command, "sh",
                               str(self.state)], check=False,
                              stderr=subprocess.DEVNULL)

    def last_runs(self):
        return {row["module"]: row["last_run"] for row in self.ok(self.deploy("status", "--json")).rows()}

    def test_target_tells_a_remedy(self):
        self.small_disk(self.place.target / "srv/shop")
        self.ok(self.deploy())
        big = self.place.folder / "source/shop/big"
        big.write_bytes(os.urandom(700000))
        self.place.commit("two")
        result = self.deploy()
        self.assertNotEqual(result.status, 0, repr(result))
        self.assertIn("No space left on device", result.err)
        self.assertIn("make room, then run it again", result.err)

    def test_last_run_is_kept(self):
        self.small_disk(self.place.project / ".hookrun")
        self.ok(self.deploy())
        self.assertEqual(self.last_runs(), {"db": "done", "shop": "done"})
        self.place.commit("two")
        self.shell('cat /dev/zero >ballast')
        result = self.deploy()
        self.assertEqual(result.status, 1, repr(result))
        self.assertIn("start again", result.err)
        self.assertNotIn("resume", result.err)
        self.assertEqual(self.last_runs(), {"db": "done", "shop": "done"})
        self.assertEqual(self.place.page(), "one")
        self.shell("rm ballast")
        self.ok(self.deploy())
        self.assertEqual(self.place.page(), "two")


if __name__ == "__main__":
    tap.main()
