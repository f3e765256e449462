# SPDX-License-Identifier: LGPL-2.1-or-later
"""Records the options that a plugin adds to a command line, as argparse would be told."""
from __future__ import annotations

import argparse
from typing import Any, Optional

TYPES = {bool: "boolean", int: "int", float: "double", list: "list"}


def option_type(action: argparse.Action) -> str:
    """The protocol's name for the type of an option."""
    if action.nargs == 0:
        return "boolean"
    if action.nargs not in (None, "?") or isinstance(action.default, list):
        return "list"
    return TYPES.get(action.type, "string")  # type: ignore[call-overload]


class Group:
    """Looks like a group of an argparse parser to the code that adds options to it."""

    def __init__(self) -> None:
        self._parser = argparse.ArgumentParser(add_help=False, conflict_handler="resolve")
        self.rows: list[dict[str, Any]] = []

    def add_argument(self, *flags: str, **keywords: Any) -> argparse.Action:
        """As of argparse. Only the long name counts; short ones belong to the host."""
        action = self._parser.add_argument(*flags, **keywords)
        long = next((flag for flag in flags if flag.startswith("--")), None)
        if long is None:
            return action
        row: dict[str, Any] = {"name": long[2:].replace("_", "-").lower(),
                               "type": option_type(action)}
        if action.help and action.help is not argparse.SUPPRESS:
            row["help"] = action.help.replace("%%", "%")
        if isinstance(action.metavar, str):
            row["arg-name"] = action.metavar
        default = self._default(row["type"], action.default)
        if default is not None:
            row["default"] = default
        self.rows.append(row)
        return action

    add_option = add_argument

    def add_argument_group(self, *unused: Any, **also_unused: Any) -> Group:
        """A group within the group is the group."""
        return self

    add_mutually_exclusive_group = add_argument_group

    @staticmethod
    def _default(kind: str, value: Any) -> Optional[Any]:
        if kind == "boolean":
            return bool(value)
        if kind == "list":
            return [str(item) for item in value] if isinstance(value, (list, tuple)) else None
        wanted = {"string": str, "int": int, "double": (int, float)}[kind]
        return value if isinstance(value, wanted) and not isinstance(value, bool) else None
