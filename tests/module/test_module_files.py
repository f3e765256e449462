#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changes of files that modules ask for with create_file: shown, answered, kept and taken back."""
import json
import os
import sys
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import tap  # noqa: E402
from place import SOURCE, Place, as_both  # noqa: E402

WRITES = '''"""Writes"""
from portmod.module_util import create_file

def do_go(state, args):
    for path in args.path.split(","):
        with open(create_file(path), "w") as file:
            file.write(args.text + "\\n")
    if args.fail:
        raise SystemExit(1)

def describe_go_options():
    return ["path", "text", "--fail"]

def describe_go_parameters():
    return ["the file", "its new contents", "fail afterwards"]
'''


class FilesCase(unittest.TestCase):
    """A module that writes one line into a file."""

    user = None

    def setUp(self):
        self.place = Place(self.user)
        self.addCleanup(self.place.close)
        self.place.write("writes.pmodule", WRITES)
        self.file = self.place.config("conf", "old\n")

    def ok(self, result, status=0):
        self.assertEqual(result.status, status, repr(result))
        return result

    def go(self, text, *options, status=0, file=None):
        return self.ok(self.place.run(*options, "writes", "go", file or self.file, text), status)

    def ask(self, text, *keys, status=0, **environment):
        return self.ok(self.place.talk("writes", "go", self.file, text, keys=keys, **environment), status)

    def pending(self):
        return self.place.run("pending", "--json").rows("change")

    def undo(self, *words, status=0):
        return self.ok(self.place.run("undo", *words), status)


@as_both
class TestAnswers(FilesCase):
    """The answers y a s n N m, typed at a terminal."""

    def test_yes_applies_after_the_difference_was_shown(self):
        result = self.ask("new", "y")
        self.assertIn("-old\n+new\n", result.out)
        self.assertEqual(self.file.read_text(), "new\n")
        self.assertEqual(self.pending(), [])

    def test_always_applies_and_asks_no_more(self):
        self.ask("new", "a")
        self.ok(self.place.run("writes", "go", self.file, "newer"))
        self.assertEqual(self.file.read_text(), "newer\n")

    def test_save_keeps_it_pending(self):
        self.ask("new", "s")
        self.assertEqual(self.file.read_text(), "old\n")
        self.assertEqual([row["path"] for row in self.pending()], [str(self.file)])
        self.ok(self.place.talk("pending", keys=["y"]))
        self.assertEqual(self.file.read_text(), "new\n")
        self.assertEqual(self.pending(), [])

    def test_no_discards_and_asks_again_next_time(self):
        self.ask("new", "n")
        self.assertEqual((self.file.read_text(), self.pending()), ("old\n", []))
        self.ask("new", "y")
        self.assertEqual(self.file.read_text(), "new\n")

    def test_never_discards_and_asks_no_more(self):
        self.ask("new", "N")
        result = self.ask("newer")
        self.assertEqual((self.file.read_text(), self.pending()), ("old\n", []))
        self.assertNotIn("[m]erge", result.out)

    def test_end_of_input_is_no(self):
        self.ask("new", None)
        self.assertEqual((self.file.read_text(), self.pending()), ("old\n", []))

    def test_other_answers_are_asked_again(self):
        self.ask("new", "x", "", "yes", "y")
        self.assertEqual(self.file.read_text(), "new\n")

    def test_merge_tool_gets_three_files_and_its_result_is_asked_about(self):
        tool = self.place.folder / "merge"
        tool.write_text('#!/bin/sh\n(cat "$1" "$2"; echo merged) >"$3"\n')
        tool.chmod(0o755)
        result = self.ask("new", "m", "y", MERGE_TOOL="%s ${orig} ${new} ${merged}" % tool)
        self.assertEqual(self.file.read_text(), "old\nnew\nmerged\n")
        self.assertIn("+merged", result.out)

    def test_merge_without_a_tool_says_how_to_set_one(self):
        result = self.ask("new", "m", "n")
        self.assertIn("MERGE_TOOL", result.out)
        self.assertEqual(self.file.read_text(), "old\n")

    def test_failing_merge_tool_changes_nothing(self):
        self.ask("new", "m", "n", MERGE_TOOL="false")
        self.assertEqual(self.file.read_text(), "old\n")


@as_both
class TestChanges(FilesCase):
    """What becomes of changes when nobody is asked."""

    def test_without_a_terminal_it_stays_pending(self):
        result = self.go("new")
        self.assertIn("-old\n+new\n", result.out)
        self.assertIn("hookrun-module pending", result.out)
        self.assertEqual(self.file.read_text(), "old\n")
        self.ok(self.place.run("pending", "--answer", "y"))
        self.assertEqual(self.file.read_text(), "new\n")

    def test_no_confirm_asks_nothing_at_a_terminal(self):
        result = self.ok(self.place.talk("--no-confirm", "writes", "go", self.file, "new"))
        self.assertNotIn("[m]erge", result.out)
        self.assertEqual((self.file.read_text(), len(self.pending())), ("old\n", 1))

    def test_no_change_is_no_question(self):
        result = self.go("old")
        self.assertEqual((result.out, self.pending()), ("", []))

    def test_failed_operation_leaves_no_change(self):
        self.ok(self.place.run("--answer", "y", "writes", "go", self.file, "new", "--fail=1"), 1)
        self.assertEqual((self.file.read_text(), self.pending()), ("old\n", []))

    def test_undo_takes_the_last_one_back(self):
        self.go("one", "--answer", "y")
        self.go("two", "--answer", "y")
        self.undo()
        self.assertEqual(self.file.read_text(), "one\n")
        self.undo()
        self.assertEqual(self.file.read_text(), "old\n")
        self.assertIn("nothing to take back", self.undo(status=1).err)

    def test_undo_of_a_file_that_changed_since_is_refused(self):
        self.go("new", "--answer", "y")
        self.file.write_text("by hand\n")
        self.undo(status=1)
        self.assertEqual(self.file.read_text(), "by hand\n")

    def cut_off(self):
        """As a run leaves it that was killed between the exchange and what follows it."""
        self.go("new", "--answer", "y")
        staging = self.place.state / ".staging"
        lines = (staging / "ledger").read_text().splitlines(keepends=True)
        entry = [json.loads(line[line.index("{"):]) for line in lines if '"begin"' in line][-1]["entries"][0]
        (staging / "ledger").write_text("".join(lines[:-1]))
        aside = self.file.parent / entry["temporary"]
        os.rename(staging / "kept/c1-0", aside)
        self.place.own()
        return aside

    def test_run_that_was_cut_off_is_ended_by_the_next_one(self):
        aside = self.cut_off()
        self.ok(self.place.run("list"))
        self.assertFalse(aside.exists())
        self.assertEqual(self.file.read_text(), "new\n")
        self.undo()
        self.assertEqual(self.file.read_text(), "old\n")

    def test_what_cannot_be_ended_is_told_and_can_be_abandoned(self):
        for spoil in (lambda: self.file.write_text("edited\n"),
                      lambda: os.rename(self.file.parent, self.place.folder / "moved")):
            self.setUp()
            aside = self.cut_off()
            spoil()
            result = self.place.run("list")
            self.assertNotEqual(result.status, 0)
            self.assertIn("abandon the commit: hookrun-module abandon", result.err)
            self.assertIn(str(self.file), result.err)
            self.assertIn("abandoned", self.ok(self.place.run("abandon")).out)
            self.ok(self.place.run("list"))
            self.assertNotEqual(self.place.run("abandon").status, 0)
            kept = aside if aside.exists() else self.place.folder / "moved" / aside.name
            self.assertEqual(kept.read_text(), "old\n")

    def test_file_that_changed_while_pending_is_a_conflict(self):
        self.go("new")
        self.file.write_text("by hand\n")
        self.ok(self.place.run("pending", "--answer", "y"), 1)
        self.assertEqual(self.file.read_text(), "by hand\n")
        self.assertEqual(len(self.pending()), 1)

    def test_mode_is_kept_and_new_files_are_made(self):
        self.file.chmod(0o640)
        self.go("new", "--answer", "y")
        self.assertEqual(self.file.stat().st_mode & 0o7777, 0o640)
        fresh = self.place.target / "fresh"
        self.go("made", "--answer", "y", file=fresh)
        self.assertEqual(fresh.read_text(), "made\n")
        self.undo()
        self.assertFalse(fresh.exists())

    def test_two_files_are_changed_together(self):
        other = self.place.config("other", "old\n")
        self.ok(self.place.run("--answer", "y", "writes", "go", "%s,%s" % (self.file, other), "new"))
        self.assertEqual((self.file.read_text(), other.read_text()), ("new\n", "new\n"))
        self.undo()
        self.assertEqual((self.file.read_text(), other.read_text()), ("old\n", "old\n"))

    def test_escapes_in_a_difference_are_visible(self):
        result = self.go("a\x1b[2Jb\u202ec")
        self.assertNotIn("\x1b", result.out)
        self.assertNotIn("\u202e", result.out)
        self.assertIn("\\x1b[2J", result.out)

    def test_targets_that_are_never_changed(self):
        for path in ("/proc/self/comm", "/sys/kernel/mm/ksm/run", "/dev/null",
                     self.place.state / "writes/granted.json", self.place.target,
                     self.place.state / ".staging/x"):
            result = self.place.run("--answer", "y", "writes", "go", path, "x")
            self.assertEqual(result.status, 1, repr(result))

    def test_module_updates_a_configuration_file_and_puts_it_back(self):
        self.place.copy(SOURCE / "demo/modules/more/motd.pmodule")
        self.ok(self.place.run("--answer", "y", "motd", "set", self.file, "Hello", "--name", "you"))
        greeting = "# greeting: begin\nHello, you\n# greeting: end\n"
        self.assertEqual(self.file.read_text(), "old\n" + greeting)
        self.assertEqual(self.ok(self.place.run("motd", "update")).out, "")
        self.file.write_text("other\n")
        self.ok(self.place.run("--answer", "y", "update"))
        self.assertEqual(self.file.read_text(), "other\n" + greeting)
        self.ok(self.place.run("--answer", "y", "remove", "motd"))
        self.assertEqual(self.file.read_text(), "other\n")
        self.assertNotIn("motd", self.place.listed())

    def test_shell_and_programs_ask_for_files_too(self):
        self.place.write("sh.sh", 'do_go() { echo sh >"$(create_file "$1")"; }\n')
        self.place.write("prog", '#!/bin/sh\nif [ $1 = describe ]; then\n'
                         'echo \'{"operations": [{"name": "go", "words": true}]}\'\n'
                         'else echo prog >"$(create_file "$3")"; fi\n', 0o755)
        for name in ("sh", "prog"):
            self.ok(self.place.run("--answer", "y", name, "go", self.file))
            self.assertEqual(self.file.read_text(), name + "\n")

    def test_link_outside_is_switched_after_the_question(self):
        self.place.copy(SOURCE / "demo/modules/more/flavour.eselect")
        link = self.place.target / "link"
        self.ok(self.place.run("flavour", "add", "plain"))
        self.ok(self.place.run("flavour", "set", "1"))
        result = self.ok(self.place.run("flavour", "publish", link))
        self.assertIn("symlink to", result.out)
        self.assertFalse(link.is_symlink())
        self.ok(self.place.run("pending", "-a", "y"))
        self.assertEqual(os.readlink(link), str(self.place.root("flavour") / "flavours/plain"))

    def test_json_tells_the_change_and_what_was_applied(self):
        result = self.go("new", "--json", "--answer", "y")
        change = result.rows("change")[0]
        self.assertEqual((change["module"], change["path"]), ("writes", str(self.file)))
        self.assertIn("+new", change["difference"])
        self.assertEqual(result.rows("applied")[0]["paths"], [str(self.file)])
        self.assertEqual(result.rows("result")[0]["status"], "done")


if __name__ == "__main__":
    tap.main()
