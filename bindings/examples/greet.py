#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A signal of a shop, three handlers and one veto, from Python. Handlers see the same data, in an
order that they ask for by each other's names.
"""
import gi

gi.require_version("Hookrun", "1")
from gi.repository import GLib, Hookrun


def welcome(event):
    data = event.get_data()
    data.set_string("greeting", "Good day, %s" % data.get_string("guest"))
    return Hookrun.Verdict.CONTINUE


def title(event):
    """Runs before `welcome` although it was connected later."""
    data = event.get_data()
    data.set_string("guest", "Dr " + data.get_string("guest"))
    return Hookrun.Verdict.CONTINUE


def doorman(event):
    if event.get_data().get_boolean("banned"):
        return event.fail(Hookrun.Error.PERMISSION, "not in this house")
    return Hookrun.Verdict.CONTINUE


def main():
    registry = Hookrun.Registry.new()
    signal = registry.define("shop.open", Hookrun.SignalFlags.NONE, [])
    scope = Hookrun.Scope.new("example")
    signal.connect(scope, "welcome", None, welcome)
    signal.connect(scope, "title", Hookrun.HandlerOptions.new(["welcome"], None, None, None), title)
    signal.connect(scope, "doorman", Hookrun.HandlerOptions.new(["title"], None, None, None), doorman)

    data = Hookrun.Data.new(None)
    data.set_string("guest", "Ada")
    signal.emit(data)
    print(data.get_string("greeting"))

    data.set_boolean("banned", True)
    try:
        signal.emit(data)
    except GLib.Error as error:
        print(error.message)
    scope.close()


if __name__ == "__main__":
    main()
