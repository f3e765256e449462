# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the worker: as ``python3 -m hookrun_worker``, or by the path of this folder."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> int:
    """Serves the host at the descriptor that it left us."""
    # Started by its path, Python puts this folder first: its files would hide others' modules.
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != HERE]
    parent = os.path.dirname(HERE)
    if parent not in sys.path:
        sys.path.insert(0, parent)
    from hookrun_worker.server import Server, connect

    number = os.environ.pop("HOOKRUN_WORKER_FD", "3")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace", line_buffering=True)  # type: ignore[union-attr]
    try:
        connection = connect(int(number))
    except (OSError, ValueError) as error:
        print("hookrun_worker: started without a host (HOOKRUN_WORKER_FD=%s): %s"
              % (number, error), file=sys.stderr)
        return 2
    Server(connection).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
