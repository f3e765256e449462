# SPDX-License-Identifier: LGPL-2.1-or-later
"""What plugins say: which handlers they have, and what a handler came to."""
from __future__ import annotations

import enum
import logging
from typing import Any, Callable, Iterable, Optional, TypeVar, Union

Function = TypeVar("Function", bound=Callable[..., Any])

#: Where :func:`on` leaves its marks on a function.
MARK = "__hookrun_handlers__"

#: Lines for the host's log, with a level.
log = logging.getLogger("hookrun")


class Verdict(str, enum.Enum):
    """What a handler says to its host."""

    CONTINUE = "continue"
    HANDLED = "handled"
    FAILED = "failed"


CONTINUE = Verdict.CONTINUE
HANDLED = Verdict.HANDLED
FAILED = Verdict.FAILED


class Veto(Exception):
    """A handler refused; raised by :meth:`Event.fail`."""


def names(value: Union[None, str, Iterable[str]]) -> list[str]:
    """One name or several, as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def on(
    signal: str,
    *,
    id: Optional[str] = None,
    before: Union[None, str, Iterable[str]] = None,
    after: Union[None, str, Iterable[str]] = None,
    replaces: Optional[str] = None,
    priority: int = 0,
    timeout: Optional[float] = None,
    all_subjects: bool = False,
) -> Callable[[Function], Function]:
    """Makes a function a handler of *signal*.

    :param id: how others name it; the plugin's id when it is its only handler of the signal
    :param before: ids of handlers that it runs before
    :param after: ids of handlers that it runs after
    :param replaces: id of the handler whose place it takes; the default action is ``"default"``
    :param priority: coarse order where names decide nothing; lower runs earlier
    :param timeout: seconds that it may take, without the time that the host works for it
    :param all_subjects: also run for other modules than the one the plugin is active for
    """
    description: dict[str, Any] = {"signal": signal, "priority": priority}
    if id is not None:
        description["id"] = id
    if before is not None:
        description["before"] = names(before)
    if after is not None:
        description["after"] = names(after)
    if replaces is not None:
        description["replaces"] = replaces
    if timeout is not None:
        description["timeout_ms"] = max(1, int(timeout * 1000))
    if all_subjects:
        description["all_subjects"] = True

    def mark(function: Function) -> Function:
        marks = getattr(function, MARK, [])
        setattr(function, MARK, marks + [description])
        return function

    return mark
