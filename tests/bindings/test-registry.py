#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The registry as Python sees it through the typelib: fields, data, verdicts, errors, wrappers,
asynchronous emission, and that nothing is called or kept after a scope is closed.
"""
import gc
import json
import sys
import traceback
import weakref

import gi

gi.require_version("Hookrun", "1")
gi.require_version("Json", "1.0")
from gi.repository import GLib, Hookrun, Json


def field(name, kind, flags=Hookrun.FieldFlags.NONE):
    made = Hookrun.Field()
    made.name, made.type, made.flags = name, kind, flags
    return made


def order_signal(registry):
    return registry.define("order.placed", Hookrun.SignalFlags.NONE, [
        field("number", Hookrun.FieldType.INT, Hookrun.FieldFlags.REQUIRED),
        field("customer", Hookrun.FieldType.STRING),
        field("lines", Hookrun.FieldType.STRV),
    ])


def expect_error(code, function, *arguments):
    try:
        function(*arguments)
    except GLib.Error as error:
        assert error.matches(Hookrun.error_quark(), code), error
        return error.message
    raise AssertionError("no error where %s was expected" % code)


def test_data_both_ways():
    signal = order_signal(Hookrun.Registry.new())
    data = Hookrun.Data.new(signal.get_schema())
    data.set_int("number", 7)
    data.set_string("customer", "Grace")
    data.set_strv("lines", ["a", "b"])
    data.set_boolean("paid", True)
    assert data.get_int("number") == 7 and data.get_strv("lines") == ["a", "b"]
    assert data.expand_text("%(customer)s/{number}") == "Grace/7"
    made = json.loads(Json.to_string(data.to_json(False), False))
    assert made == {"number": 7, "customer": "Grace", "lines": ["a", "b"], "paid": True}, made
    data.merge_text('{"customer": null, "number": 8}', -1)
    assert data.get_string("customer") is None and data.get_int("number") == 8
    expect_error(Hookrun.Error.INVALID, data.merge_text, '{"number": "eight"}', -1)


def test_handler_changes_data():
    signal = order_signal(Hookrun.Registry.new())
    data = Hookrun.Data.new(signal.get_schema())
    data.set_int("number", 1)

    def double(event):
        event.get_data().set_int("number", event.get_data().get_int("number") * 2)
        return Hookrun.Verdict.CONTINUE

    signal.connect(None, "double", None, double)
    signal.connect(None, "again", None, double)
    assert signal.emit(data) == Hookrun.Verdict.CONTINUE
    assert data.get_int("number") == 4


def test_required_field():
    signal = order_signal(Hookrun.Registry.new())
    message = expect_error(Hookrun.Error.INVALID, signal.emit, Hookrun.Data.new(signal.get_schema()))
    assert "number" in message and "order.placed" in message, message


def test_veto_names_all():
    signal = Hookrun.Registry.new().define("a.b", Hookrun.SignalFlags.NONE, [])
    scope = Hookrun.Scope.new("guard")
    signal.connect(scope, "stop", None, lambda event: event.fail(Hookrun.Error.CONFLICT, "too late"))
    message = expect_error(Hookrun.Error.CONFLICT, signal.emit, None)
    for word in ("guard", "stop", "a.b", "too late"):
        assert word in message, message


def test_wrapper_proceeds():
    signal = Hookrun.Registry.new().define("a.b", Hookrun.SignalFlags.NONE, [])
    seen = []

    def wrap(event):
        seen.append("before")
        verdict = event.proceed()
        seen.append("after")
        return verdict

    def inner(event):
        seen.append("inner")
        return Hookrun.Verdict.HANDLED

    signal.connect(None, "inner", None, inner)
    signal.connect(None, "wrap", Hookrun.HandlerOptions.new(["inner"], None, None, None), wrap)
    assert signal.emit(None) == Hookrun.Verdict.HANDLED
    assert seen == ["before", "inner", "after"], seen


def test_cycle_is_refused():
    signal = Hookrun.Registry.new().define("a.b", Hookrun.SignalFlags.NONE, [])
    done = lambda event: Hookrun.Verdict.CONTINUE
    options = Hookrun.HandlerOptions.new
    signal.connect(None, "one", options(["two"], None, None, None), done)
    message = expect_error(Hookrun.Error.CYCLE, signal.connect, None, "two",
                           options(["one"], None, None, None), done)
    assert "one" in message and "two" in message, message
    listed = json.loads(Json.to_string(signal.list_handlers(None), False))
    assert [handler["id"] for handler in listed] == ["one"], listed


def test_async_emission():
    signal = order_signal(Hookrun.Registry.new())
    data = Hookrun.Data.new(signal.get_schema())
    data.set_int("number", 1)
    loop = GLib.MainLoop()
    verdicts = []
    waiting = []

    def later(event):
        waiting.append(event)
        GLib.timeout_add(5, complete)
        return Hookrun.Verdict.PENDING

    def complete():
        event = waiting.pop()
        event.get_data().set_string("customer", "late")
        event.complete(Hookrun.Verdict.HANDLED)
        return False

    def finished(source, result):
        verdicts.append(source.emit_finish(result))
        loop.quit()

    signal.connect(None, "later", None, later)
    signal.emit_async(None, data, None, finished)
    loop.run()
    assert verdicts == [Hookrun.Verdict.HANDLED], verdicts
    assert data.get_string("customer") == "late"


def test_scope_lets_go():
    class Handler:
        calls = 0

        def __call__(self, event):
            Handler.calls += 1
            return Hookrun.Verdict.CONTINUE

    signal = Hookrun.Registry.new().define("a.b", Hookrun.SignalFlags.NONE, [])
    scope = Hookrun.Scope.new("short")
    handler = Handler()
    gone = weakref.ref(handler)
    signal.connect(scope, "handler", None, handler)
    del handler
    signal.emit(None)
    scope.close()
    signal.emit(None)
    gc.collect()
    assert Handler.calls == 1 and gone() is None, (Handler.calls, gone())


def main():
    tests = [(name, test) for name, test in sorted(globals().items()) if name.startswith("test_")]
    failed = False
    print("1..%d" % len(tests))
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            word = "ok"
        except Exception:
            failed, word = True, "not ok"
            print("\n".join("# " + line for line in traceback.format_exc().splitlines()))
        print("%s %d /bindings/python/%s" % (word, number, name[5:].replace("_", "-")), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
