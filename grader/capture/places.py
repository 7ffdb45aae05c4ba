"""Which of the student's lines is running, and in which layer: read from the Python frames."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType
from typing import Any

from torch import nn
from torch.nn import functional

Place = tuple[int | None, int | None]  # cell and line


def nowhere(frame: Any) -> Place:
    """The place of a frame where there are no cells."""
    return None, None


class Places:
    """Finds the innermost line of the student's, and the path of the innermost layer.

    Args:
        paths: of the layers, by their identities.
        place_of: the cell and line of a Python frame, (None, None) for a frame that is not the student's.
    """

    def __init__(self, paths: dict[int, str], place_of: Callable[[Any], Place]) -> None:
        self._paths = paths
        self._place_of = place_of
        # Of each function: is it the student's, and has it a `self`? Asked anew it would be half of a recording's time.
        self._known: dict[CodeType, tuple[bool, bool]] = {}
        self._lines: dict[tuple[CodeType, int], Place] = {}  # of each instruction of the student's

    def here(self) -> dict[str, Any]:
        """`cell`, `line` and `module`, where they are known."""
        found: dict[str, Any] = {}
        frame = sys._getframe(1)
        wanted = 3 if self._paths else 2
        while frame is not None and len(found) < wanted:
            code = frame.f_code
            is_students, has_self = self._of_code(frame)
            if is_students and "cell" not in found:
                instruction = (code, frame.f_lasti)
                if instruction not in self._lines:
                    self._lines[instruction] = self._place_of(frame)
                found["cell"], found["line"] = self._lines[instruction]
            if has_self and "module" not in found:
                owner = frame.f_locals.get("self")
                path = self._paths.get(id(owner)) if isinstance(owner, nn.Module) else None
                if path is not None:
                    found["module"] = path
            frame = frame.f_back  # type: ignore[assignment]
        return found

    def code(self) -> CodeType | None:
        """The innermost function of the student's that is running; None if none is."""
        frame = sys._getframe(1)
        while frame is not None and not self._of_code(frame)[0]:
            frame = frame.f_back  # type: ignore[assignment]
        return frame.f_code if frame is not None else None

    def _of_code(self, frame: Any) -> tuple[bool, bool]:
        """Of a frame's function: is it the student's, and has it a `self`?"""
        code = frame.f_code
        if code not in self._known:
            names = (*code.co_varnames, *code.co_cellvars, *code.co_freevars)
            self._known[code] = (self._place_of(frame)[0] is not None, "self" in names)
        return self._known[code]

    @staticmethod
    def function() -> str:
        """The function of torch.nn.functional that is running, or ""."""
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != functional.__file__:
            frame = frame.f_back  # type: ignore[assignment]
        return frame.f_code.co_name if frame is not None else ""
