#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hookrun-module learn: a policy that is enough, none of whose grants can be missed; and nothing of
the real file system changes. Programs in shell, Python and C, as root and as an ordinary user."""
import json
import os
import socket
import subprocess
import sys
import threading
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import place  # noqa: E402
import tap  # noqa: E402

READER = """#include <stdio.h>
int main (int argc, char **argv)
{
  char text[64] = "";
  FILE *from = fopen (argv[1], "r");
  FILE *to = fopen (argv[2], "w");

  if (argc != 3 || from == NULL || to == NULL || fgets (text, sizeof text, from) == NULL)
    return 1;
  fputs (text, to);
  return 0;
}
"""


class Case(unittest.TestCase):
    user = None

    def setUp(self):
        self.place = place.Place(self.user)
        self.addCleanup(self.place.close)
        self.file = self.place.config("file", "content\n")
        self.place.config("unused", "unused\n")
        self.folder = self.place.target / "folder"
        self.folder.mkdir()
        self.place.own()
        self.before = self.picture()

    def picture(self):
        return sorted((str(path), path.lstat().st_mtime_ns, path.lstat().st_mode)
                      for path in self.place.target.rglob("*"))

    def learn(self, *words, status=0, **more):
        result = self.place.run("learn", "--json", *words, **more)
        self.assertEqual(result.status, status, result)
        self.assertEqual(self.picture(), self.before, "the real files changed")
        if status:
            return result
        row = result.rows("learned")[0]
        self.assertTrue(row["smallest"], result)
        return row["policy"]

    def run_under(self, policy, *words):
        path = self.place.write("policy.json", json.dumps(policy))
        return self.place.run("run", "--policy=%s" % path, "--", *words)


@place.as_both
class Program(Case):

    def test_nothing(self):
        self.assertEqual(self.learn("--", "true"), {})

    def test_shell(self):
        words = ("sh", "-c", "cat %s; echo made >%s/new; cat %s/new" % (self.file, self.folder, self.folder))
        policy = self.learn("--", *words)
        self.assertEqual(policy, {"read": [str(self.file), str(self.folder)], "write": [str(self.folder)]})
        result = self.run_under(policy, *words)
        self.assertEqual((result.status, result.out), (0, "content\nmade\n"), result)
        self.assertEqual((self.folder / "new").read_text(), "made\n")

    def test_python(self):
        script = ("import os\nprint(sorted(os.listdir('%s')))\n"
                  "os.rename('%s', '%s/moved')\n" % (self.place.target, self.file, self.place.target))
        policy = self.learn("--", "/usr/bin/python3", "-I", "-c", script)
        self.assertEqual(policy, {"read": [str(self.place.target)], "write": [str(self.place.target)]})

    def test_c(self):
        source = self.place.folder / "reader.c"
        program = self.place.folder / "reader"
        source.write_text(READER)
        subprocess.run(["cc", "-o", str(program), str(source)], check=True)
        self.place.own()
        policy = self.learn("--", program, self.file, self.folder / "copy")
        self.assertEqual(policy, {"read": [str(self.file)], "write": [str(self.folder)],
                                  "execute": [str(program)]})
        self.assertEqual(self.run_under(policy, program, self.file, self.folder / "copy").status, 0)

    def test_what_is_not_missed_is_not_granted(self):
        policy = self.learn("--", "sh", "-c", "cat %s/unused >/dev/null 2>&1; cat %s" % (
            self.place.target, self.file))
        self.assertEqual(policy, {"read": [str(self.file)]})

    def test_exit_status_and_output_are_kept(self):
        result = self.place.run("learn", "-o", self.place.modules / "learned", "--", "sh", "-c",
                                "cat %s; exit 7" % self.file)
        self.assertEqual(result.status, 0, result)
        self.assertIn("content", result.err)
        self.assertEqual(result.out, "")
        policy = json.loads((self.place.modules / "learned").read_text())
        self.assertEqual(self.run_under(policy, "sh", "-c", "cat %s; exit 7" % self.file).status, 7)

    def test_own_folders_need_no_grant(self):
        self.assertEqual(self.learn("--root", self.folder, "--", "sh", "-c", "echo x >new; cat new"), {})

    def test_made_below_what_is_made(self):
        policy = self.learn("--", "sh", "-c", "mkdir -p %s/a/b && echo x >%s/a/b/c && cat %s/a/b/c" % (
            (self.folder,) * 3))
        self.assertEqual(policy, {"read": [str(self.folder)], "write": [str(self.folder)]})

    def test_removed(self):
        self.assertEqual(self.learn("--", "rm", self.file), {"write": [str(self.place.target)]})

    def test_port(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        threading.Thread(target=self.serve, args=(listener,), daemon=True).start()
        port = listener.getsockname()[1]
        policy = self.learn("--", "/usr/bin/python3", "-I", "-c",
                            "import socket; socket.create_connection(('127.0.0.1', %d))" % port)
        self.assertEqual(policy, {"network": {"connect": [port]}})

    @staticmethod
    def serve(listener):
        try:
            while True:
                listener.accept()[0].close()
        except OSError:
            pass

    def test_secrets_are_not_granted_silently(self):
        secret = self.place.folder / "home/.ssh/id"
        secret.parent.mkdir()
        secret.write_text("secret\n")
        self.place.own()
        result = self.learn("--", "cat", secret, status=1)
        self.assertIn(str(secret), result.err)
        self.assertIn("--yes", result.err)
        self.assertEqual(self.learn("--yes", "--", "cat", secret), {"read": [str(secret)]})

    def test_what_never_is_allowed_is_told(self):
        result = self.place.run("learn", "--json", "--", "sh", "-c", "setsid true; true")
        self.assertIn("setsid", result.err)

    def test_usage(self):
        self.assertEqual(self.place.run("learn", "one-word").status, 2)
        self.assertNotEqual(self.place.run("learn", "--", "no-such-program-at-all").status, 0)


@place.as_both
class Module(Case):

    def test_module(self):
        self.place.write("look.sh", 'describe_peek() { echo "Look"; }\n'
                         'do_peek() { cat "%s"; echo kept >$ROOT/kept; }\n' % self.file)
        result = self.place.run("learn", "look", "peek")
        self.assertEqual(result.status, 0, result)
        self.assertEqual(json.loads(result.out), {"policy": {"read": [str(self.file)]}})
        self.assertFalse((self.place.root("look") / "kept").exists())
        self.place.write("look.json", result.out)
        self.assertEqual(self.place.run("policy", "look", "--grant").status, 0)
        self.assertEqual(self.place.run("look", "peek").out, "content\n")


if __name__ == "__main__":
    tap.main()
