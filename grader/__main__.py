"""`grader` and `python -m grader`.

Slots import this file again where it is the program's own; so nothing is imported until it runs.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from grader.cli import app

    app(prog_name="grader")


if __name__ == "__main__":
    main()
