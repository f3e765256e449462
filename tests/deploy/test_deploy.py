#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hookrun-deploy from its command line: Porter's job end to end, to a folder of this machine."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import tap  # noqa: E402
from place import BUILD, SIGNALS, SOURCE, Place  # noqa: E402


class DeployCase(unittest.TestCase):
    """A test with a place of its own."""

    layout = None
    alone = False

    def setUp(self):
        self.place = Place(layout=self.layout, alone=self.alone)
        self.addCleanup(self.place.close)

    def ok(self, result):
        self.assertEqual(result.status, 0, repr(result))
        return result

    def states(self, result):
        return {row["module"]: row["state"] for row in result.rows()}


class TestDeploy(DeployCase):
    """What works, and what is refused before anything happens."""

    def test_deploys_dependencies_first(self):
        self.place.hook("deploy.start", "echo db >> %s/order" % self.place.folder, module="db")
        self.place.hook("deploy.start", "echo shop >> %s/order" % self.place.folder)
        result = self.ok(self.place.deploy("--json"))
        self.assertEqual(self.states(result), {"db": "deployed", "shop": "deployed"})
        self.assertEqual((self.place.folder / "order").read_text(), "db\nshop\n")
        self.assertEqual(self.place.page(), "one")
        self.assertTrue(os.access(self.place.live() / "bin/run", os.X_OK))
        self.assertFalse((self.place.live() / ".git").exists())

    def test_unchanged_version_is_skipped_and_a_new_one_deployed(self):
        self.ok(self.place.deploy())
        self.assertEqual(self.states(self.ok(self.place.deploy("--json"))),
                         {"db": "unchanged", "shop": "unchanged"})
        self.place.commit("two")
        self.assertEqual(self.states(self.ok(self.place.deploy("--json"))),
                         {"db": "unchanged", "shop": "deployed"})
        self.assertEqual(self.place.page(), "two")

    def test_what_is_not_live_any_more_is_deployed_again(self):
        self.ok(self.place.deploy())
        (self.place.target / "srv/shop/current").unlink()
        self.assertEqual(self.states(self.ok(self.place.deploy("--json")))["shop"], "deployed")
        self.assertEqual(self.place.page(), "one")

    def test_module_without_a_path_is_refused(self):
        (self.place.project / "shop/shop.ini").write_text("")
        result = self.place.deploy()
        self.assertEqual(result.status, 2, repr(result))
        for part in ("shop.ini", "path"):
            self.assertIn(part, result.err)

    def test_source_without_an_address_is_refused(self):
        path = self.place.project / "shop/shop.ini"
        whole = path.read_text()
        url = next(line for line in whole.splitlines() if line.startswith("url"))
        without = whole.replace(url, "").replace("branch = main", "")
        self.ok(self.place.deploy())
        before = self.place.tree()
        for text, parts in (
                (whole.replace(url, "url ="), ("shop.ini line 5", '"url" has no value')),
                (whole.replace(url, ""), ("shop.ini line 4", 'has no "url"')),
                (whole.replace(url, "url = none"), ("shop.ini line 6", "no repository")),
                (without.replace("[scm]", ""), ("shop.ini", '"url" under [scm]'))):
            with self.subTest(text=text):
                path.write_text(text)
                for words in ((), ("--dry-run",)):
                    result = self.place.deploy(*words)
                    self.assertEqual(result.status, 2, repr(result))
                    for part in parts:
                        self.assertIn(part, result.err)
                    self.assertLessEqual(result.err.count('module "shop"'), 1, repr(result))
                self.assertEqual(self.place.tree(), before)
        path.write_text(without.replace("[scm]", "[scm]\nurl = none"))
        self.ok(self.place.deploy())

    def test_path_that_is_no_path_is_refused(self):
        path = self.place.project / "shop/shop.ini"
        whole = path.read_text()
        for wrong in ("/srv/%(nowhere)s", "srv/shop"):
            with self.subTest(path=wrong):
                path.write_text(whole.replace("/srv/shop", wrong))
                result = self.place.deploy()
                self.assertEqual(result.status, 2, repr(result))
                for part in ("shop.ini line 2", "path", wrong):
                    self.assertIn(part, result.err)
                self.assertEqual(list(self.place.target.iterdir()), [])

    def test_real_folder_where_the_live_link_goes_is_refused(self):
        kept = self.place.target / "srv/shop/current/mine"
        kept.parent.mkdir(parents=True)
        kept.write_text("mine")
        for words in ((), ("--dry-run",), ("status",)):
            with self.subTest(words=words):
                result = self.place.deploy(*words)
                self.assertEqual(result.status, 1, repr(result))
                for part in ("/srv/shop/current", "move it away", "layout = in-place"):
                    self.assertEqual(result.err.count(part), 1, repr(result))
                self.assertNotIn("incomplete", result.out)
        self.assertEqual(os.listdir(self.place.target / "srv/shop"), ["current"])
        self.assertEqual(kept.read_text(), "mine")

    def test_damaged_record_at_the_target_is_refused(self):
        self.ok(self.place.deploy())
        record = self.place.target / "srv/shop/.hookrun/deployed.json"
        record.write_text('{"version": ')
        for words in ((), ("--dry-run",), ("status",)):
            with self.subTest(words=words):
                result = self.place.deploy(*words)
                self.assertEqual(result.status, 1, repr(result))
                for part in ("/srv/shop/.hookrun/deployed.json is damaged", "remove it"):
                    self.assertIn(part, result.err)
        record.unlink()
        self.ok(self.place.deploy())

    def test_force_deploys_one_module_again(self):
        self.ok(self.place.deploy())
        self.assertEqual(self.states(self.ok(self.place.deploy("--force", "shop", "--json"))),
                         {"db": "unchanged", "shop": "deployed"})

    def test_another_config_is_another_deployment(self):
        for config in ("a", "b"):
            self.place.write("shop/config/%s/x" % config, "")
        self.ok(self.place.deploy("--config", "a"))
        result = self.ok(self.place.deploy("--config", "b", "--json"))
        self.assertEqual(self.states(result)["shop"], "deployed")

    def test_signals_come_in_order(self):
        log = self.place.folder / "log"
        for signal in SIGNALS:
            self.place.hook(signal, 'echo "$HOOKRUN_SIGNAL" >> %s' % log)
        self.ok(self.place.deploy())
        self.assertEqual(log.read_text().split(), SIGNALS)

    def test_no_host_lists_the_valid_ones(self):
        self.place.write_ini(hosts={"a": "user@a.example", "b": "local:"})
        result = self.place.run()
        self.assertEqual(result.status, 2)
        self.assertEqual(result.out, "a => user@a.example\nb => local:\n")

    def test_unknown_names_are_refused(self):
        for words, part in ((("--config", "prodution"), "config/prodution"),
                            (("--config", "../shop"), "../shop"), (("--force", "shpo"), "shpo"),
                            (("--module", "shpo"), "shpo")):
            with self.subTest(words=words):
                result = self.place.deploy(*words)
                self.assertIn(result.status, (1, 2), repr(result))
                self.assertIn(part, result.err)
                self.assertIsNone(self.place.page())

    def test_unknown_release_is_refused(self):
        result = self.place.deploy("--release", "stabel")
        self.assertEqual(result.status, 2, repr(result))
        self.assertIn("[release:stabel]", result.err)
        self.assertIsNone(self.place.page())

    def test_unknown_host_names_the_valid_ones(self):
        result = self.place.run("--host", "hre")
        self.assertEqual(result.status, 2, repr(result))
        self.assertIn("hre", result.err)
        self.assertIn("here", result.err)

    def test_dry_run_changes_nothing(self):
        self.place.hook("deploy.start", "touch %s/touched" % self.place.folder)
        result = self.ok(self.place.deploy("--dry-run"))
        self.assertIn("for the first time", result.out)
        self.assertEqual(list(self.place.target.iterdir()), [])
        self.assertFalse((self.place.folder / "touched").exists())
        rows = self.ok(self.place.deploy("--dry-run", "--json")).rows()
        self.assertEqual([row["action"] for row in rows], ["deploy", "deploy"])

    def test_malformed_ini_names_file_line_and_key(self):
        path = self.place.project / "shop/shop.ini"
        path.write_text(path.read_text().replace("depends = db", "depends = dbx"))
        result = self.place.deploy()
        self.assertEqual(result.status, 2, repr(result))
        for part in ("shop.ini", "line 3", "depends", "dbx"):
            self.assertIn(part, result.err)

    def test_dependency_cycle_prints_the_path(self):
        path = self.place.project / "db/db.ini"
        path.write_text(path.read_text().replace("[scm]", "depends = shop\n[scm]"))
        result = self.place.deploy()
        self.assertEqual(result.status, 2, repr(result))
        self.assertRegex(result.err, "(db → shop → db|shop → db → shop)")

    def test_old_releases_are_pruned(self):
        path = self.place.project / "shop/shop.ini"
        path.write_text(path.read_text().replace("[scm]", "keep = 2\n[scm]"))
        for number in range(5):
            self.place.commit("v%d" % number)
            self.ok(self.place.deploy())
        releases = list((self.place.target / "srv/shop/releases").iterdir())
        self.assertLessEqual(len(releases), 3)
        self.assertEqual(self.place.page(), "v4")

    def test_nothing_to_resume_or_take_back_is_said(self):
        for command, word in (("resume", "resume"), ("rollback", "take back")):
            result = self.ok(self.place.run(command, "--host", "here"))
            self.assertIn("no run to here is unfinished: there is nothing to " + word, result.err)
            self.assertEqual(result.out, "")
            result = self.ok(self.place.run(command, "--host", "here", "--json"))
            self.assertEqual(self.states(result), {"db": "unchanged", "shop": "unchanged"})

    def test_removal_of_the_checkout_is_told(self):
        self.assertIn("shop: remove checkout", self.ok(self.place.deploy()).err)

    def test_output_that_cannot_be_written_is_a_failure(self):
        for words in (("--help",), ("--version",), ("hosts",), ("modules",), ("modules", "--json"),
                      ("--host", "here"), ("--host", "here", "status"),
                      ("--host", "here", "--dry-run", "--json")):
            with self.subTest(words=words), open("/dev/full", "w", encoding="ascii") as full:
                result = self.place.run(*words, stdout=full)
                self.assertEqual(result.status, 1, repr(result))
                self.assertIn("standard output", result.err)
        self.assertEqual(self.place.page(), "one")

    def test_trace_is_json(self):
        self.ok(self.place.deploy("--trace", str(self.place.folder / "trace.json")))
        trace = json.loads((self.place.folder / "trace.json").read_text())
        events = trace["traceEvents"] if isinstance(trace, dict) else trace
        self.assertTrue(any("source.send" in event["name"] for event in events))


class TestDemonstration(unittest.TestCase):
    """make demo: hooks in C, in shell and Porter's own example on one deployment."""

    def test_three_languages(self):
        with tempfile.TemporaryDirectory(prefix="hookrun-demo-") as folder:
            done = subprocess.run([str(SOURCE / "demo/run"), str(BUILD), folder], text=True,
                                  capture_output=True, timeout=240, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            live = os.path.join(folder, "target/srv/shop/current")
            with open(os.path.join(live, "BUILD-STAMP"), encoding="utf-8") as stamp:
                self.assertEqual(stamp.read(), "1.0 with production settings\n")
            self.assertTrue(os.path.exists(os.path.join(live, "settings.ini")))
            for handler in ("settings", "stamp", "shop.deployment.py"):
                self.assertIn(handler, done.stdout)


class TestHooks(DeployCase):
    """Hooks see the data, change it, veto, and choose their place."""

    alone = True

    def test_shell_hook_sees_and_changes_the_data(self):
        self.place.hook("source.pre-send", 'echo "{\\"colour\\": \\"red $HOOKRUN_MODULE\\"}" >&3')
        self.place.hook("source.post-send", 'printf "%%s" "$HOOKRUN_COLOUR" > %s/seen; cat > %s/json'
                        % (self.place.folder, self.place.folder))
        self.ok(self.place.deploy())
        self.assertEqual((self.place.folder / "seen").read_text(), "red shop")
        data = json.loads((self.place.folder / "json").read_text())
        self.assertEqual((data["colour"], data["module"]), ("red shop", "shop"))

    def test_hook_chooses_its_place(self):
        log = self.place.folder / "log"
        self.place.hook("source.pre-send", "echo a >> %s" % log, name="10-a")
        self.place.hook("source.pre-send", "# hookrun: before=a\necho b >> %s" % log, name="20-b")
        self.ok(self.place.deploy())
        self.assertEqual(log.read_text(), "b\na\n")

    def test_hook_replaces_the_default_action(self):
        self.place.hook("source.send", "# hookrun: replaces=default\n"
                        'echo own > "%s$HOOKRUN_STAGEDIR/page"' % self.place.target)
        self.ok(self.place.deploy())
        self.assertEqual(self.place.page(), "own")
        self.assertFalse((self.place.live() / "bin").exists())

    def test_read_only_field_is_refused(self):
        self.place.hook("source.pre-send", "echo '{\"version\": \"9\"}' >&3")
        result = self.place.deploy()
        self.assertNotEqual(result.status, 0)
        self.assertIn("version", result.err)
        self.assertIsNone(self.place.page())

    def test_porters_own_example_runs_unchanged(self):
        self.place.write("shop/deployment.py", PORTER_EXAMPLE)
        self.ok(self.place.deploy())
        self.assertEqual(self.place.page(), "one")
        result = self.ok(self.place.run("handlers", "--host", "here"))
        self.assertIn("shop.deployment.py", result.out)

    def test_python_hook_copies_a_config_file(self):
        self.place.write("shop/config/production/local_settings.py", "DEBUG = False\n")
        self.place.write("shop/deployment.py", PORTER_EXAMPLE.replace(
            "    pass\n", "    from porter.tools.scp import copy_config_file\n"
            "    copy_config_file(module, 'local_settings.py')\n"))
        self.ok(self.place.deploy("--config", "production"))
        self.assertEqual((self.place.live() / "local_settings.py").read_text(), "DEBUG = False\n")

    def test_python_hook_changes_data_and_vetoes(self):
        self.place.write("shop/deployment.py", (
            "import hookrun_worker as hookrun\n"
            "@hookrun.on('source.pre-send')\n"
            "def note(event):\n    event.data['note'] = 'from python ' + event.data['module']\n"
            "@hookrun.on('health.check')\n"
            "def check(event):\n    event.fail('the page is ' + event.data['note'])\n"))
        result = self.place.deploy("--json")
        self.assertEqual(result.status, 4, repr(result))
        self.assertIn("the page is from python shop", result.err)
        self.assertIsNone(self.place.page())

    def test_config_file_cannot_leave_its_folder(self):
        self.place.write("shop/config/production/x", "")
        self.place.write("secret", "secret")
        for name in ("../../../secret", "/etc/passwd"):
            self.place.write("shop/deployment.py", PORTER_EXAMPLE.replace(
                "    pass\n", "    from porter.tools.scp import copy_config_file\n"
                "    copy_config_file(module, %r)\n" % name))
            result = self.place.deploy("--config", "production")
            self.assertNotEqual(result.status, 0)
            self.assertIsNone(self.place.page())


PORTER_EXAMPLE = """from porter.core.module import SIG_SOURCE_POST_SEND
def register_signal_handlers(module):
    module.push_signal_handler(SIG_SOURCE_POST_SEND, post_send)

def post_send(module, *args, **kwargs):
    pass
"""


class TestFailure(DeployCase):
    """Whatever fails, the old tree is live and the journal tells the truth."""

    alone = True

    def fail_at(self, signal):
        place = self.place
        before = place.tree()
        place.commit("next after %s" % signal)
        place.hook(signal, "echo 'no luck today' >&2; exit 3")
        result = place.deploy("--json")
        self.assertEqual(result.status, 4, "%s: %r" % (signal, result))
        self.assertEqual(place.tree(), before, signal)
        for part in ("50-test", signal, "no luck today"):
            self.assertIn(part.removeprefix("50-"), result.err)
        self.assertEqual(self.states(result)["shop"],
                         "failed" if signal == "deploy.run" else "rolled-back", signal)
        if signal != "deploy.run":
            self.assertEqual(place.last_run(), "rolled-back", signal)
        place.unhook()
        self.ok(place.deploy())
        self.assertEqual(place.page(), "next after %s" % signal)

    def test_a_hook_failing_at_each_signal_of_a_first_deployment(self):
        for signal in SIGNALS[1:]:
            with self.subTest(signal=signal):
                self.place.close()
                self.place = Place(layout=self.layout, alone=True)
                self.addCleanup(self.place.close)
                self.fail_at(signal)

    def test_a_hook_failing_at_each_signal_of_a_later_one(self):
        self.ok(self.place.deploy())
        for signal in SIGNALS[1:]:
            with self.subTest(signal=signal):
                self.fail_at(signal)

    def test_failure_is_told_to_hooks(self):
        log = self.place.folder / "log"
        for signal in ("deploy.failed", "rollback.start", "rollback.finish"):
            self.place.hook(signal, 'echo "$HOOKRUN_SIGNAL $HOOKRUN_ERROR" >> %s' % log)
        self.place.hook("health.check", "echo sick >&2; exit 1")
        self.assertEqual(self.place.deploy().status, 4)
        lines = log.read_text().splitlines()
        self.assertEqual([line.split()[0] for line in lines],
                         ["deploy.failed", "rollback.start", "rollback.finish"])
        self.assertTrue(all("sick" in line for line in lines), lines)


class TestFailureInPlace(TestFailure):
    """The same for Porter's plain folder."""

    layout = "in-place"

    def test_files_that_the_source_does_not_have_stay(self):
        uploads = self.place.target / "srv/shop/uploads"
        uploads.mkdir(parents=True)
        (uploads / "photo").write_text("mine")
        for number in range(3):
            self.place.commit("v%d" % number)
            self.ok(self.place.deploy())
            self.assertEqual((uploads / "photo").read_text(), "mine")
        self.place.commit("bad")
        self.place.hook("health.check", "exit 1")
        self.assertEqual(self.place.deploy().status, 4)
        self.assertEqual((uploads / "photo").read_text(), "mine")
        self.assertEqual(self.place.page(), "v2")


class TestKill(DeployCase):
    """kill -9 of the program itself, from a hook at each signal."""

    alone = True

    def setUp(self):
        super().setUp()
        self.ok(self.place.deploy())

    def killed_at(self, signal):
        place = self.place
        before = place.tree()
        place.unhook()
        place.commit("killed at %s" % signal)
        place.hook(signal, "[ -e %s/again ] || kill -9 $PPID" % place.folder)
        result = place.deploy()
        self.assertEqual(result.status, -9, "%s: %r" % (signal, result))
        return before

    def test_rollback_after_kill_at_each_signal(self):
        for signal in SIGNALS[1:]:
            with self.subTest(signal=signal):
                before = self.killed_at(signal)
                self.place.unhook()
                self.ok(self.place.run("rollback", "--host", "here"))
                self.assertEqual(self.place.tree(), before, signal)
                self.assertEqual(self.place.last_run(), "rolled-back")

    def test_resume_after_kill_at_each_signal(self):
        for signal in SIGNALS[1:]:
            with self.subTest(signal=signal):
                self.killed_at(signal)
                (self.place.folder / "again").touch()
                self.ok(self.place.run("resume", "--host", "here"))
                self.assertEqual(self.place.page(), "killed at %s" % signal)
                self.assertEqual(self.place.last_run(), "done")
                (self.place.folder / "again").unlink()

    def test_the_next_deployment_needs_no_unlock(self):
        for signal in SIGNALS[1:]:
            with self.subTest(signal=signal):
                self.killed_at(signal)
                self.place.unhook()
                self.ok(self.place.deploy())
                self.assertEqual(self.place.page(), "killed at %s" % signal)


class TestKillInPlace(TestKill):
    """The same for Porter's plain folder."""

    layout = "in-place"


if __name__ == "__main__":
    tap.main()
