# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads a module file as a tree, without running it, and refuses code in its global scope."""
import ast

FUNCTIONS = (ast.FunctionDef,)
IMPORTS = (ast.Import, ast.ImportFrom)


class Problem(Exception):
    """What is wrong with a module file."""


def is_constant(node) -> bool:
    """Whether evaluating it runs no code: a literal, or tuples, lists and dictionaries of such."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, (ast.USub, ast.UAdd)) and isinstance(node.operand, ast.Constant)
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return all(map(is_constant, node.elts))
    if isinstance(node, ast.Dict):
        return all(key is not None and is_constant(key) for key in node.keys) and all(
            map(is_constant, node.values))
    return False


def check_function(path, node):
    """Decorators and defaults run when a function is defined."""
    if node.decorator_list:
        raise Problem("%s line %d: %s has a decorator, which is code in the global scope"
                      % (path, node.lineno, node.name))
    arguments = node.args
    for default in arguments.defaults + [one for one in arguments.kw_defaults if one is not None]:
        if not is_constant(default):
            raise Problem("%s line %d: %s has a default that is no constant"
                          % (path, node.lineno, node.name))


def drop_annotations(node):
    """Annotations are evaluated when a function is defined; nobody needs them here."""
    for inner in ast.walk(node):
        if isinstance(inner, FUNCTIONS + (ast.AsyncFunctionDef,)):
            inner.returns = None
        elif isinstance(inner, ast.arg):
            inner.annotation = None


def read(path) -> ast.Module:
    """Parses the file; SyntaxError and Problem tell what is wrong with it."""
    with open(path, "rb") as file:
        tree = ast.parse(file.read(), path)
    for index, node in enumerate(tree.body):
        if isinstance(node, FUNCTIONS):
            check_function(path, node)
            drop_annotations(node)
        elif isinstance(node, ast.Assign) and is_constant(node.value):
            if not all(isinstance(target, ast.Name) for target in node.targets):
                raise Problem("%s line %d: only names may be assigned to in the global scope"
                              % (path, node.lineno))
        elif not isinstance(node, IMPORTS) and not (
                index == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            raise Problem("%s line %d: code in the global scope is not permitted; put it into a "
                          "function" % (path, node.lineno))
    return tree


def functions(tree) -> dict:
    """The functions of the global scope by name, in the order of the file."""
    return {node.name: node for node in tree.body if isinstance(node, FUNCTIONS)}
