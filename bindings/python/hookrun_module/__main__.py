# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs as ``python3 -I .../hookrun_module describe NAME FILE`` or ``... do NAME FILE OPERATION``."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> int:
    """Describes the module on standard output, or runs one of its operations."""
    # Started by its path, Python puts this folder first: its files would hide others' modules.
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != HERE]
    sys.path.insert(0, os.path.dirname(HERE))
    if len(sys.argv) == 4 and sys.argv[1] == "describe":
        from hookrun_module import describe
        return describe.main(sys.argv[2], sys.argv[3])
    if len(sys.argv) == 5 and sys.argv[1] == "do":
        from hookrun_module import run
        return run.main(sys.argv[2], sys.argv[3], sys.argv[4])
    print("hookrun_module: started without its host", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
