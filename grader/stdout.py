"""Standard output, of which whoever reads it takes as much as they like: `grader schema | head` is no fault."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def for_reader() -> Iterator[TextIO]:
    """Standard output, to write all of something to; the rest of it is dropped where nobody reads on."""
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would try to flush once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def tell(text: str) -> None:
    """Print what a command found."""
    with for_reader() as output:
        print(text, file=output)
