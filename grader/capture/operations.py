"""What is the same in every call of an aten operation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

# Their results carry no gradient, whatever they read.
CUTTING = ("aten.detach", "aten.zeros_like", "aten.ones_like", "aten.empty_like", "aten.new_")
# How many numbers come out of these depends on the data.
DATA_SHAPED = ("aten.nonzero", "aten.masked_select", "aten._unique", "aten.unique")


@dataclass(frozen=True)
class Operation:
    """An operation.

    Attributes:
        written: positions of the arguments that it writes into, and their names.
        draws: does it draw random numbers?
        cuts: has its result no gradient, whatever it reads?
        data_shaped: does the number of its results depend on the data?
    """

    name: str
    written: tuple[tuple[int, str], ...]
    draws: bool
    cuts: bool
    data_shaped: bool


@cache
def operation_of(overload: Any) -> Operation:
    """What is known of an overload of torch's. Looked up in every call it would cost a third of a recording's time."""
    name = str(overload)
    written = tuple(
        (position, argument.name)
        for position, argument in enumerate(overload._schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    )
    draws = torch.Tag.nondeterministic_seeded in overload.tags
    return Operation(name, written, draws, name.startswith(CUTTING), name.startswith(DATA_SHAPED))
