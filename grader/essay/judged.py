"""What a sentence does with the words that were found in it, and why that is not plain."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Stance(Enum):
    ASSERTED = "asserted"
    UNCLEAR = "unclear"
    DENIED = "denied"


class Judged(NamedTuple):
    """A stance, and why it is not plainly asserted: said later, for of several the first by its English is told."""

    stance: Stance
    why: str = ""
