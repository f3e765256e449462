# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which event the tools work for: they may be used while a handler runs, and only then."""
from __future__ import annotations

import contextlib
from typing import Any, Iterator

from hookrun_worker.event import Event

_events: list[Event] = []


@contextlib.contextmanager
def during(event: Event) -> Iterator[None]:
    """Lets the tools work for *event*."""
    _events.append(event)
    try:
        yield
    finally:
        _events.pop()


def current() -> Event:
    """The event that is being handled.

    :raises RuntimeError: outside of handlers
    """
    if not _events:
        raise RuntimeError("this can be done only while a handler runs")
    return _events[-1]


def call(method: str, **params: Any) -> Any:
    """Asks the deployment for a service; parameters that are ``None`` are left out."""
    given = {key: value for key, value in params.items() if value is not None}
    return current().call(method, **given)
