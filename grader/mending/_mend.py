"""The contract of a mender: one class for each known mistake whose line can be written as it was meant."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from grader.mending._code import Change, Code


@dataclass(frozen=True)
class Slip:
    """What kept an answer from running, or its layers from being registered.

    Attributes:
        type: of the exception; "" where there was none.
        gave: what was returned, or constructed, where it should be a tensor, or a module; "" where something raised.
        cell, line: where it raised, if that is known.
        found: the class or function that answers the exercise, or should.
        is_unregistered: does it run with layers that are not registered?
    """

    type: str = ""
    message: str = ""
    gave: str = ""
    cell: int | None = None
    line: int | None = None
    found: str = ""
    is_unregistered: bool = False


class Mender(ABC):
    """Mends one known mistake.

    Attributes:
        mistake: its id.
        broken: sources that do not run because of it, and are right once it is mended.
    """

    mistake: ClassVar[str]
    broken: ClassVar[tuple[str, ...]]

    @abstractmethod
    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        """Ways to write it as it was meant, the likeliest first; none where this is another mistake."""


@dataclass(frozen=True)
class Mend:
    """One known mistake, mended."""

    mistake: str
    change: Change
