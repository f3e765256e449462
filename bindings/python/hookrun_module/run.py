# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs one operation of a module: imports it, and calls ``do_OPERATION(state, args)``."""
import inspect
import json
import os
import subprocess
import sys
import traceback
import types

from hookrun_module import control, source

VARIABLES = ("ROOT", "CACHE", "TEMP", "VERSION")


class State(types.SimpleNamespace):
    """The constants that describe the module's environment."""


class Arguments(types.SimpleNamespace):
    """What the user gave: an attribute for each option, None where it was not given."""


def read_arguments() -> Arguments:
    """Option names become attribute names: ``dry-run`` is ``dry_run``."""
    given = json.loads(os.environ.get("HOOKRUN_ARGUMENTS", "{}"))
    return Arguments(**{name.replace("-", "_"): value for name, value in given.items()})


def load(name, path) -> types.ModuleType:
    """Imports the module file, which may do no more than define and import."""
    tree = source.read(path)
    module = types.ModuleType(name)
    module.__file__ = path
    sys.modules[name] = module
    exec(compile(tree, path, "exec"), module.__dict__)  # pylint: disable=exec-used
    return module


def call(function, name):
    """``do_update`` takes the state alone; the others take the arguments, too, if they want."""
    state = State(**{key: os.environ.get(key, "") for key in VARIABLES})
    values = [state, read_arguments()]
    if name == "update":
        values.pop()
    else:
        taken = inspect.signature(function).parameters.values()
        if len([one for one in taken if one.kind in (one.POSITIONAL_ONLY,
                                                     one.POSITIONAL_OR_KEYWORD)]) == 1:
            values.pop()
    function(*values)


def show_fault(path):
    """The traceback from the module's own first line on."""
    kind, error, trace = sys.exc_info()
    while trace is not None and trace.tb_frame.f_code.co_filename != path:
        trace = trace.tb_next
    traceback.print_exception(kind, error, trace)


def main(name, path, operation) -> int:
    """Gives the exit status: 0, or 1 after a fault that was printed."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace", line_buffering=True)
    try:
        module = load(name, path)
        call(getattr(module, "do_" + operation.replace("-", "_")), operation)
    except (control.CallError, source.Problem, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    except SyntaxError as error:
        print("%s line %s: %s" % (path, error.lineno, error.msg), file=sys.stderr)
        return 1
    except Exception:  # pylint: disable=broad-except
        show_fault(path)
        return 1
    return 0
