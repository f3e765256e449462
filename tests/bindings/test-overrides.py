#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the overrides for PyGObject add: a callback that raises fails what called it, with its words;
scopes close by themselves, data is a mapping. And that without them an exception passes.
"""
import os
import subprocess
import sys
import traceback

import gi

gi.require_version("Hookrun", "1")
from gi.repository import GLib, Hookrun

FAILS_OPEN = """
import os
import gi.overrides
gi.overrides.__path__ = [path for path in gi.overrides.__path__ if not os.path.exists(path + "/Hookrun.py")]
gi.require_version("Hookrun", "1")
from gi.repository import Hookrun
signal = Hookrun.Registry.new().define("a.b", Hookrun.SignalFlags.NONE, [])
signal.connect(None, "bad", None, lambda event: 1 / 0)
raise SystemExit(0 if signal.emit(None) == Hookrun.Verdict.CONTINUE else 1)
"""


class Word(Exception):
    """An exception of a program's own."""


def new_signal():
    return Hookrun.Registry.new().define("a.b", Hookrun.SignalFlags.NONE, [])


def raiser(error):
    def handler(event):
        raise error
    return handler


def emit_error(handler, scope=None):
    signal = new_signal()
    signal.connect(scope, "bad", None, handler)
    try:
        signal.emit(None)
    except GLib.Error as error:
        return error
    raise AssertionError("the emission went on")


def test_exception_is_a_veto():
    error = emit_error(raiser(Word("no such shop")), Hookrun.Scope.new("guard"))
    assert error.matches(Hookrun.error_quark(), Hookrun.Error.HANDLER), error
    for word in ("guard", "bad", "a.b", "Word: no such shop", "test-overrides.py:"):
        assert word in error.message, error.message


def test_errors_of_the_library_keep_their_code():
    mine = GLib.Error.new_literal(Hookrun.error_quark(), "disk full", Hookrun.Error.NO_SPACE)
    error = emit_error(raiser(mine))
    assert error.matches(Hookrun.error_quark(), Hookrun.Error.NO_SPACE), error
    assert error.message.endswith("disk full"), error.message


def test_exits_are_vetoes():
    assert emit_error(raiser(KeyboardInterrupt())).code == Hookrun.Error.CANCELLED
    assert "SystemExit" in emit_error(raiser(SystemExit(0))).message


def test_what_is_no_verdict_fails():
    for value in (True, 77, "yes"):
        assert "TypeError" in emit_error(lambda event, value=value: value).message


def test_nothing_goes_on():
    signal = new_signal()
    seen = []
    signal.connect(None, "one", None, lambda event, *words: seen.append(words), "x", 1)
    assert signal.emit(None) == Hookrun.Verdict.CONTINUE
    assert seen == [("x", 1)], seen


def test_registry_connects_the_same():
    registry = Hookrun.Registry.new()
    signal = registry.define("a.b", Hookrun.SignalFlags.NONE, [])
    registry.connect("a.b", None, "bad", None, raiser(Word("here")))
    try:
        signal.emit(None)
    except GLib.Error as error:
        assert "Word: here" in error.message, error.message
    else:
        raise AssertionError("the emission went on")


def test_async_emission_fails():
    signal = new_signal()
    signal.connect(None, "bad", None, raiser(Word("later")))
    loop = GLib.MainLoop()
    errors = []

    def finished(source, result):
        try:
            source.emit_finish(result)
        except GLib.Error as error:
            errors.append(error.message)
        loop.quit()

    signal.emit_async(None, None, None, finished)
    loop.run()
    assert len(errors) == 1 and "Word: later" in errors[0], errors


def test_scope_closes():
    signal = new_signal()
    with Hookrun.Scope.new("short") as scope:
        signal.connect(scope, "bad", None, raiser(Word("x")))
    assert scope.is_closed()
    assert signal.emit(None) == Hookrun.Verdict.CONTINUE


def test_data_is_a_mapping():
    number = Hookrun.Field()
    number.name, number.type, number.flags = "number", Hookrun.FieldType.INT, Hookrun.FieldFlags.NONE
    data = Hookrun.Data.new(Hookrun.Schema.new([number]))
    assert data and len(data) == 0 and "number" not in data and data.get("number", 5) == 5
    data["number"] = 3
    data["flag"] = True
    data["names"] = ["a", "b"]
    data["tree"] = {"a": [1, None], "b": {"c": 1}}
    data["tree"] = {"b": {"d": 2}}
    data["_private"] = [1]
    data.update({"ratio": 2.5, "word": "w"})
    assert dict(data) == {"number": 3, "flag": True, "names": ["a", "b"], "tree": {"b": {"d": 2}},
                          "ratio": 2.5, "word": "w"}, dict(data)
    assert data["_private"] == [1] and data.get_int("number") == 3
    data["word"] = None
    del data["flag"]
    assert sorted(data) == ["names", "number", "ratio", "tree"], sorted(data)
    for wrong in (lambda: data["word"], lambda: data.__delitem__("word")):
        try:
            wrong()
        except KeyError:
            continue
        raise AssertionError("no KeyError")
    try:
        data["number"] = "three"
    except GLib.Error as error:
        assert error.matches(Hookrun.error_quark(), Hookrun.Error.INVALID), error
    else:
        raise AssertionError("a field of another type took it")


def test_without_them_an_exception_passes():
    variables = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "G_DEBUG")}
    done = subprocess.run([sys.executable, "-c", FAILS_OPEN], env=variables, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0 and "ZeroDivisionError" in done.stderr, done


def main():
    tests = [(name, test) for name, test in sorted(globals().items()) if name.startswith("test_")]
    failed = False
    print("1..%d" % len(tests))
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            word = "ok"
        except BaseException:
            failed, word = True, "not ok"
            print("\n".join("# " + line for line in traceback.format_exc().splitlines()))
        print("%s %d /bindings/overrides/%s" % (word, number, name[5:].replace("_", "-")), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
