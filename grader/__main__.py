"""`grader` and `python -m grader`.

Slots import this file again where it is the program's own; so nothing is imported until it runs.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    try:
        from grader.cli import app

        app(prog_name="grader")
    except KeyboardInterrupt:  # before there is a command that could say how far it came
        sys.exit(130)


if __name__ == "__main__":
    main()
