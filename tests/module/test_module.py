#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hookrun-module from its command line: modules of all four kinds, their descriptions and runs."""
import os
import signal
import sys
import time
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import tap  # noqa: E402
from place import SHOPPING, SOURCE, Place, as_both  # noqa: E402

ESSENTIALS = "Eggs\nMilk\nCarrots\nMarmite\nHackle-lo leaves\n"
FORMS = {
    "python": SOURCE / "demo/modules/python/shopping.pmodule",
    "shell": SOURCE / "demo/modules/shell/shopping.eselect",
    "native": SHOPPING,
    "executable": SOURCE / "demo/modules/executable/shopping",
}


class ModuleCase(unittest.TestCase):
    """A test with a place of its own."""

    user = None

    def setUp(self):
        self.place = Place(self.user)
        self.addCleanup(self.place.close)

    def ok(self, result, status=0):
        self.assertEqual(result.status, status, repr(result))
        return result

    def python(self, name, body, docstring='"""Test"""\n'):
        return self.place.write(name + ".pmodule", docstring + body)

    def problem(self, name):
        row = self.place.listed()[name]
        self.assertEqual(row["operations"], [])
        return row["problem"]


@as_both
class TestForms(ModuleCase):
    """The shopping list in four languages."""

    def test_shopping_list_is_the_same_in_all_forms(self):
        for kind, file in FORMS.items():
            with self.subTest(kind):
                place = Place(self.user)
                self.addCleanup(place.close)
                place.copy(file)
                row = place.listed()["shopping"]
                self.assertEqual((row["kind"], row["description"], row["problem"]),
                                 (kind, "Shopping list module", None))
                operations = {one["name"]: one for one in row["operations"]}
                self.assertEqual(set(operations), {"add", "list", "update"})
                self.assertEqual(operations["list"]["description"], "Displays shopping list")
                self.assertEqual(operations["add"]["options"], [
                    {"name": "item", "description": "item to add to the list", "required": True}])
                self.assertEqual(self.ok(place.run("shopping", "list")).out, ESSENTIALS)
                self.ok(place.run("shopping", "add", "Rye bread"))
                self.ok(place.run("shopping", "add", "--item", "Tea"))
                self.ok(place.run("shopping", "add", "--item=--milk"))
                self.ok(place.run("shopping", "update"))
                self.assertEqual(self.ok(place.run("shopping", "list")).out,
                                 "Rye bread\nTea\n--milk\n" + ESSENTIALS)
                self.assertEqual((place.root("shopping") / "shopping.txt").read_text(),
                                 "Rye bread\nTea\n--milk\n")

    def test_wrong_arguments_are_named(self):
        for kind, file in FORMS.items():
            with self.subTest(kind):
                place = Place(self.user)
                self.addCleanup(place.close)
                place.copy(file)
                for words, status, part in (
                        (("add",), 2, "item to add to the list"), (("add", "a", "b"), 2, '"b"'),
                        (("add", "--itm", "a"), 2, "did you mean"), (("add", "--item"), 2, "value"),
                        (("ad", "x"), 1, 'did you mean "add"'), (("add", "a", "--item=b"), 2, "twice")):
                    result = self.ok(place.run("shopping", *words), status)
                    self.assertIn(part, result.err)

    def test_unknown_module_names_the_nearest(self):
        self.place.copy(FORMS["python"])
        self.assertIn('did you mean "shopping"', self.ok(self.place.run("shoping"), 1).err)

    def test_eselect_module_switches_a_link(self):
        self.place.copy(SOURCE / "demo/modules/more/flavour.eselect")
        for name in ("plain", "salted"):
            self.ok(self.place.run("flavour", "add", name))
        self.ok(self.place.run("flavour", "set", "2"))
        self.assertEqual(os.readlink(self.place.root("flavour") / "current"), "flavours/salted")
        self.assertEqual(self.ok(self.place.run("flavour", "list")).out,
                         "Available flavours:\n  [1]   plain\n  [2]   salted *\n")
        self.ok(self.place.run("flavour", "set", "plain"))
        self.assertEqual(self.ok(self.place.run("flavour", "show")).out, "plain\n")
        self.assertIn("none of the flavours", self.ok(self.place.run("flavour", "set", "9"), 1).err)
        self.assertEqual(self.place.listed()["flavour"]["version"], "1")


@as_both
class TestDescribe(ModuleCase):
    """What is learned of a module without running it."""

    def test_code_in_the_global_scope_is_refused_with_its_line(self):
        for number, line in enumerate((
                "open('%s/mark', 'w')", "x = len('a')", "def f(a=print(1)): pass",
                "@print\ndef f(): pass", "class A: pass", "if True: pass", "a.b = 1")):
            self.python("bad%d" % number,
                        (line % self.place.target if "%s" in line else line)
                        + "\ndef do_go(state, args): pass\n")
            problem = self.problem("bad%d" % number)
            self.assertIn("line 2", problem.replace("line 3", "line 2"), line)
        self.assertEqual(list(self.place.target.iterdir()), [])

    def test_nothing_is_imported_for_a_description(self):
        self.python("far", "import no_such_package\nX = 3\ndef do_go(state, args): pass\n"
                           "def describe_go(): return 'goes %d' % X\n")
        self.assertEqual(self.place.listed()["far"]["operations"][0]["description"], "goes 3")

    def test_describe_functions_cannot_use_imports_or_write(self):
        self.python("uses", "import os\ndef do_go(state, args): pass\n"
                            "def describe_go(): return os.name\n")
        self.python("writes", "def do_go(state, args): pass\n"
                              "def describe_go(): return open('%s/x', 'w').name\n" % self.place.target)
        for name in ("uses", "writes"):
            self.assertIn("describe_go() failed", self.problem(name))
        self.assertEqual(list(self.place.target.iterdir()), [])

    def test_docstring_is_needed_beside_update(self):
        self.python("only", "def do_update(state): pass\n", docstring="")
        self.python("more", "def do_update(state): pass\ndef do_go(state, args): pass\n", docstring="")
        self.assertIsNone(self.place.listed()["only"]["problem"])
        self.assertIn("docstring", self.problem("more"))

    def test_one_bad_module_does_not_hide_the_others(self):
        self.place.copy(FORMS["python"])
        self.python("broken", "def do_(:\n")
        listed = self.place.listed()
        self.assertIsNone(listed["shopping"]["problem"])
        self.assertIn("line 2", listed["broken"]["problem"])
        self.assertEqual(self.ok(self.place.run("broken", "go"), 1).out, "")

    def test_description_follows_the_contents(self):
        path = self.python("one", "def do_go(state, args): pass\n")
        self.assertEqual(self.place.listed()["one"]["description"], "Test")
        before = path.stat()
        path.write_text('"""Tost"""\ndef do_go(state, args): pass\n')
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        self.assertEqual(self.place.listed()["one"]["description"], "Tost")

    def test_damaged_cache_is_an_empty_one(self):
        self.python("one", "def do_go(state, args): pass\n")
        self.place.listed()
        cache = self.place.cache / "descriptions"
        whole = cache.read_bytes()
        for data in (b"", whole[:100], whole[:-1], whole[:-20] + b"\xff" * 20, b"x" * len(whole)):
            cache.write_bytes(data)
            self.assertIsNone(self.place.listed()["one"]["problem"])

    def test_cached_description_starts_no_program(self):
        self.python("one", "def do_go(state, args): pass\n")
        self.place.listed()
        result = self.ok(self.place.run("list", "--json", HOOKRUN_PYTHON_MODULE="/nonexistent"))
        self.assertEqual(result.rows()[0]["description"], "Test")

    def test_file_that_others_can_write_is_refused(self):
        path = self.python("open", "def do_go(state, args): pass\n")
        path.chmod(0o666)
        self.assertIn("written by others", self.problem("open"))
        self.assertEqual(self.place.run("open", "go").status, 6)

    def test_two_files_of_one_name_are_named(self):
        self.place.copy(FORMS["python"])
        self.place.copy(FORMS["shell"])
        problem = self.problem("shopping")
        self.assertIn("shopping.eselect", problem)
        self.assertIn("shopping.pmodule", problem)


@as_both
class TestRun(ModuleCase):
    """Operations: what they are given, what they may do, and how they end."""

    def test_state_has_root_cache_temp_and_version(self):
        self.place.write("one.json", '{"version": "1.5"}')
        self.python("one", "import os\ndef do_go(state, args):\n"
                           "    for name in ('ROOT', 'CACHE', 'TEMP'):\n"
                           "        folder = getattr(state, name)\n"
                           "        print(name, sorted(os.listdir(folder)))\n"
                           "        open(os.path.join(folder, 'f'), 'w').close()\n"
                           "    print(state.VERSION)\n")
        self.assertEqual(self.ok(self.place.run("one", "go")).out,
                         "ROOT []\nCACHE []\nTEMP []\n1.5\n")
        self.assertEqual(self.ok(self.place.run("one", "go")).out,
                         "ROOT ['f']\nCACHE ['f']\nTEMP []\n1.5\n")
        self.assertFalse((self.place.state / "one/temp").exists())

    def test_temp_is_gone_after_kill(self):
        self.python("one", "import os, time\ndef do_go(state, args):\n"
                           "    os.makedirs(os.path.join(state.TEMP, 'a/b'))\n"
                           "    os.chmod(os.path.join(state.TEMP, 'a'), 0)\n"
                           "    open(os.path.join(state.ROOT, 'ready'), 'w').close()\n"
                           "    time.sleep(60)\n")
        process = self.place.start("one", "go")
        self.addCleanup(process.communicate)
        self.await_file(self.place.root("one") / "ready")
        process.kill()
        process.wait()
        self.assertTrue((self.place.state / "one/temp").exists())
        self.place.run("list")
        self.assertFalse((self.place.state / "one/temp").exists())

    def await_file(self, path, seconds=20):
        deadline = time.monotonic() + seconds
        while not path.exists():
            self.assertLess(time.monotonic(), deadline, "%s did not come" % path)
            time.sleep(0.02)

    def test_second_run_of_a_module_is_refused(self):
        self.python("one", "import os, time\ndef do_go(state, args):\n"
                           "    open(os.path.join(state.ROOT, 'ready'), 'w').close()\n"
                           "    time.sleep(60)\ndef do_other(state, args): pass\n")
        process = self.place.start("one", "go")
        self.await_file(self.place.root("one") / "ready")
        result = self.ok(self.place.run("one", "other"), 5)
        self.assertIn("in use by another run (process ", result.err)
        process.send_signal(signal.SIGTERM)
        process.communicate()
        self.assertEqual(process.returncode, 130)
        self.ok(self.place.run("one", "other"))

    def test_files_outside_cannot_be_touched(self):
        secret = self.place.config("secret", "secret\n", 0o600)
        self.python("one", "import os\ndef do_go(state, args):\n"
                           "    for call in (lambda: open(args.path).read(),\n"
                           "                 lambda: open(args.path, 'a'),\n"
                           "                 lambda: os.unlink(args.path),\n"
                           "                 lambda: os.chmod(args.path, 0o777),\n"
                           "                 lambda: os.utime(args.path),\n"
                           "                 lambda: os.rename(args.path, args.path + '2'),\n"
                           "                 lambda: os.listdir(os.path.dirname(args.path))):\n"
                           "        try:\n            call()\n            print('escaped')\n"
                           "        except OSError:\n            pass\n"
                           "def describe_go_options(): return ['path']\n"
                           "def describe_go_parameters(): return ['path']\n")
        before = secret.stat()
        self.assertEqual(self.ok(self.place.run("one", "go", secret)).out, "")
        after = secret.stat()
        self.assertEqual(secret.read_text(), "secret\n")
        self.assertEqual((before.st_mode, before.st_mtime_ns), (after.st_mode, after.st_mtime_ns))

    def test_module_cannot_reach_its_own_state(self):
        self.python("one", "import os\ndef do_go(state, args):\n"
                           "    for name in ('granted.json', 'version', 'lock', '../x'):\n"
                           "        try:\n"
                           "            open(os.path.join(state.ROOT, '..', name), 'w')\n"
                           "            print('escaped', name)\n"
                           "        except OSError:\n            pass\n")
        self.assertEqual(self.ok(self.place.run("one", "go")).out, "")

    def test_execute_runs_programs_and_raises(self):
        self.python("one", "from portmodlib.execute import execute\n"
                           "from portmodlib.module_util import create_file\n"
                           "import portmod.module_util as util\n"
                           "def do_go(state, args):\n"
                           "    print(execute('echo \"a b\"  c', pipe_output=True), end='')\n"
                           "    print(util.execute(['echo', '*', ';', '$HOME'], pipe_output=True), end='')\n"
                           "    execute('false')\n    print('not reached')\n")
        result = self.ok(self.place.run("one", "go"), 1)
        self.assertEqual(result.out, "a b c\n* ; $HOME\n")
        self.assertIn("false", result.err)

    def test_shell_execute_ends_the_operation(self):
        self.place.write("one.sh", "do_go() { execute echo a; execute false; echo b; }\n")
        result = self.ok(self.place.run("one", "go"), 1)
        self.assertEqual(result.out, "a\n")

    def test_shell_words_are_handed_on(self):
        self.place.write("one.sh", 'do_go() { printf "<%s>" "$@"; }\n')
        self.assertEqual(self.ok(self.place.run("one", "go", "a b", "--c", "*")).out, "<a b><--c><*>\n")

    def test_optional_options_are_none_or_named(self):
        self.python("one", "def do_go(state, args): print(args.file, args.dry_run)\n"
                           "def describe_go_options(): return ['file', '--dry-run']\n"
                           "def describe_go_parameters(): return ['f', 'd']\n")
        self.assertEqual(self.ok(self.place.run("one", "go", "x")).out, "x None\n")
        self.assertEqual(self.ok(self.place.run("one", "go", "--dry_run", "1", "x")).out, "x 1\n")

    def test_failure_is_told_with_the_modules_own_lines(self):
        self.python("one", "def do_go(state, args):\n    raise KeyError('lost')\n")
        result = self.ok(self.place.run("one", "go"), 1)
        self.assertIn("line 3, in do_go", result.err)
        self.assertNotIn("hookrun_module/run.py", result.err)
        self.assertIn("KeyError", result.err)

    def test_json_tells_output_and_result(self):
        self.python("one", "import sys\ndef do_go(state, args):\n    print('a')\n    sys.exit(3)\n")
        result = self.ok(self.place.run("--json", "one", "go"), 1)
        self.assertEqual([(row["stream"], row["line"]) for row in result.rows("output")],
                         [("stdout", "a")])
        last = result.rows("result")[0]
        self.assertEqual((last["status"], last["exit_status"]), ("failed", 3))
        self.assertIn("status 3", last["error"])

    def test_functions_that_take_the_state_alone_work(self):
        self.python("one", "def do_go(state): print('go')\ndef do_prerm(state, args): print('prerm')\n")
        self.assertEqual(self.ok(self.place.run("one", "go")).out, "go\n")
        self.assertEqual(self.ok(self.place.run("one", "prerm")).out, "prerm\n")


if __name__ == "__main__":
    tap.main()
