# SPDX-License-Identifier: LGPL-2.1-or-later
"""What PyGObject adds to gi.repository.Hookrun: a handler that raises fails its event, where PyGObject
alone would print the exception and go on as if all were well; scopes are context managers, and
data is a mapping.
"""
import functools
import json
import traceback

import gi
from gi.module import get_introspection_module
from gi.overrides import override
from gi.repository import GLib

gi.require_version("Json", "1.0")
from gi.repository import Json  # noqa: E402

Hookrun = get_introspection_module("Hookrun")
__all__ = []


def _add(made):
    """Puts a class into gi.repository.Hookrun in the place of the one it extends."""
    made = override(made)
    __all__.append(made.__name__)
    return made


# ---- exceptions of callbacks ----

def _where(error):
    """ (FILE:LINE) of the innermost frame, or nothing."""
    frames = traceback.extract_tb(error.__traceback__)
    return " (%s:%d)" % (frames[-1].filename, frames[-1].lineno) if frames else ""


def _code_and_text(error):
    """The error as the library tells it: ours keep their code and words."""
    if isinstance(error, GLib.Error):
        known = error.domain == GLib.quark_to_string(Hookrun.error_quark())
        return error.code if known else Hookrun.Error.HANDLER, error.message
    code = Hookrun.Error.CANCELLED if isinstance(error, KeyboardInterrupt) else Hookrun.Error.HANDLER
    return code, "%s: %s%s" % (type(error).__name__, error, _where(error))


def _fail(event, error):
    code, text = _code_and_text(error)
    return event.fail(code, text)


def _guard(function):
    """A handler that never raises: what it raises is its veto. Nothing is CONTINUE."""
    @functools.wraps(function, assigned=("__doc__",), updated=())
    def handler(event, *user_data):
        try:
            verdict = function(event, *user_data)
            if verdict is None:
                return Hookrun.Verdict.CONTINUE
            if isinstance(verdict, Hookrun.Verdict):
                return verdict
            raise TypeError("a handler returns a Hookrun.Verdict or nothing, not %r" % (verdict,))
        except BaseException as error:  # nothing can pass through the library
            return _fail(event, error)
    return handler


def _guard_method(function):
    """A service that raises answers with an error of the library's."""
    @functools.wraps(function, assigned=("__doc__",), updated=())
    def method(*arguments):
        try:
            return function(*arguments)
        except BaseException as error:
            code, text = _code_and_text(error)
            raise GLib.Error.new_literal(Hookrun.error_quark(), text, code) from None
    return method


@_add
class Signal(Hookrun.Signal):
    """A handler that raises fails the event."""

    def connect(self, owner, id, options, func, *user_data):
        return super().connect(owner, id, options, _guard(func), *user_data)


@_add
class Registry(Hookrun.Registry):
    """A handler that raises fails the event."""

    def connect(self, signal, owner, id, options, func, *user_data):
        return super().connect(signal, owner, id, options, _guard(func), *user_data)


@_add
class PluginContext(Hookrun.PluginContext):
    """A handler that raises fails the event."""

    def connect(self, signal, id, options, func, *user_data):
        return super().connect(signal, id, options, _guard(func), *user_data)


@_add
class Engine(Hookrun.Engine):
    """A service that raises answers with an error."""

    def add_method(self, name, func, *user_data):
        return super().add_method(name, _guard_method(func), *user_data)


# ---- as Python has it ----

@_add
class Scope(Hookrun.Scope):
    """`with Hookrun.Scope.new("name") as scope:` closes it at the end."""

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()


def _to_python(node):
    return json.loads(Json.to_string(node, False))


@_add
class Data(Hookrun.Data):
    """A mapping. Keys that start with `_` and objects can be had by name; they are not listed."""

    def __contains__(self, name):
        return self.has(name)

    def __getitem__(self, name):
        if not self.has(name):
            raise KeyError(name)
        node = self.get_json(name)
        return _to_python(node) if node is not None else self.get_object(name)

    def get(self, name, default=None):
        return self[name] if self.has(name) else default

    def __setitem__(self, name, value):
        """A field keeps its type; a dictionary replaces the one that is there."""
        if value is None:
            self.unset(name)
        elif isinstance(value, str):
            self.set_string(name, value)
        elif isinstance(value, dict) or name.startswith("_"):
            self.set_json(name, Json.from_string(json.dumps(value, allow_nan=False)))
        else:
            self.update({name: value})

    def __delitem__(self, name):
        if not self.has(name):
            raise KeyError(name)
        self.unset(name)

    def keys(self):
        return _to_python(self.to_json(True)).keys()

    def __iter__(self):
        return iter(self.keys())

    def __len__(self):
        return len(self.keys())

    def __bool__(self):
        return True

    def update(self, values):
        """Sets all of @values (a mapping), or nothing; None unsets a key."""
        self.merge_text(json.dumps(dict(values), allow_nan=False), -1)
