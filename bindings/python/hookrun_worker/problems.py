# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exceptions of plugins, told in a line that names file and line."""
from __future__ import annotations

import os
import traceback

OWN_FOLDERS = tuple(
    os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), name) + os.sep
    for name in ("hookrun_worker", "porter"))
MAX_FRAMES = 3


def where(error: BaseException) -> str:
    """The plugin's own lines on the way to *error*, the innermost first."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames
           if not os.path.abspath(frame.filename).startswith(OWN_FOLDERS)
           and not frame.filename.startswith("<frozen")]
    chosen = list(reversed(own))[:MAX_FRAMES]
    return ", ".join("%s line %d in %s" % (frame.filename, frame.lineno or 0, frame.name)
                     for frame in chosen)


def describe(error: BaseException) -> str:
    """For example ``ValueError: no such thing (deployment.py line 7 in post_send)``."""
    if isinstance(error, SyntaxError):
        return "%s: %s (%s line %s)" % (type(error).__name__, error.msg, error.filename,
                                        error.lineno)
    text = str(error)
    name = type(error).__name__
    if isinstance(error, SystemExit):
        text = "the handler wanted to end the process with %s" % text
    place = where(error)
    return "%s%s%s" % (name, ": " + text if text else "", " (%s)" % place if place else "")
