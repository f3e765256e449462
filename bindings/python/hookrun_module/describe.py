# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prints what a module offers. Of its code only the functions ``describe_*`` run, without anything
that the module imports: they have the restrictions of the global scope."""
import ast
import json
import os
import sys

from hookrun_module import source

KINDS = ("options", "parameters")


def load(tree, path) -> dict:
    """The module's functions and constants, its imports left out."""
    kept = [node for node in tree.body if not isinstance(node, source.IMPORTS)]
    code = compile(ast.Module(body=kept, type_ignores=[]), path, "exec")
    scope = {"__name__": "hookrun_described", "__builtins__": __builtins__}
    exec(code, scope)  # pylint: disable=exec-used
    return scope


def call(scope, name, default):
    """What one function gives; a fault names it."""
    if not callable(scope.get(name)):
        return default
    try:
        return scope[name]()
    except Exception as error:  # pylint: disable=broad-except
        raise source.Problem("%s() failed: %s: %s" % (name, type(error).__name__, error)) from error


def text(value, name) -> str:
    """A text, or a fault that names where it came from."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise source.Problem("%s() gives %s, not a text" % (name, type(value).__name__))
    return value.strip()


def texts(value, name) -> list:
    """A list of texts."""
    if isinstance(value, str) or not isinstance(value, (list, tuple)):
        raise source.Problem("%s() gives %s, not a list" % (name, type(value).__name__))
    return [text(one, name) for one in value]


def operation(scope, node) -> dict:
    """One operation; a function's own docstring serves when nothing describes it."""
    name = node.name.removeprefix("do_")
    title = "describe_" + name
    options, parameters = [texts(call(scope, "%s_%s" % (title, kind), []), "%s_%s" % (title, kind))
                           for kind in KINDS]
    if len(parameters) > len(options):
        raise source.Problem("%s_parameters() describes more than %s_options() names"
                             % (title, title))
    parameters += [""] * (len(options) - len(parameters))
    described = call(scope, title, ast.get_docstring(node))
    return {"name": name, "description": text(described, title),
            "options": [{"name": option, "description": parameter}
                        for option, parameter in zip(options, parameters)]}


def describe(path) -> dict:
    """The whole description."""
    tree = source.read(path)
    nodes = [node for name, node in source.functions(tree).items() if name.startswith("do_")]
    docstring = ast.get_docstring(tree)
    if docstring is None and any(node.name != "do_update" for node in nodes):
        raise source.Problem("%s offers other operations than update and needs a docstring that "
                             "describes it" % path)
    scope = load(tree, path)
    return {"description": docstring or "", "operations": [operation(scope, node) for node in nodes]}


def main(name, path) -> int:
    """Writes the description as JSON; what the module prints goes to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
    os.dup2(2, 1)
    try:
        described = describe(path)
    except SyntaxError as error:
        print("%s line %s: %s" % (path, error.lineno, error.msg), file=sys.stderr)
        return 1
    except (source.Problem, OSError, ValueError, RecursionError) as error:
        print(error, file=sys.stderr)
        return 1
    json.dump(described, out)
    out.flush()
    return 0
