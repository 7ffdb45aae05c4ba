"""What is the same in every call of an aten operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch

# Their results carry no gradient, whatever they read.
CUTTING = ("aten.detach", "aten.zeros_like", "aten.ones_like", "aten.empty_like", "aten.new_")
# Arguments of operations that may draw random numbers: with a zero or False here they draw none.
CHANCES = ("dropout_p", "train", "training")
# How many numbers come out of these depends on the data.
DATA_SHAPED = ("aten.nonzero", "aten.masked_select", "aten._unique", "aten.unique")


@dataclass(frozen=True)
class Operation:
    """An operation.

    Attributes:
        written: positions of the arguments that it writes into, and their names.
        may_draw: may it draw random numbers?
        chances: positions of the arguments that say whether it does, and their names and defaults.
        cuts: has its result no gradient, whatever it reads?
        data_shaped: does the number of its results depend on the data?
    """

    name: str
    written: tuple[tuple[int, str], ...]
    may_draw: bool
    chances: tuple[tuple[int, str, Any], ...]
    cuts: bool
    data_shaped: bool

    def draws(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
        """Does a call of it draw random numbers? Attention without dropout draws none, nor does RReLU in evaluation."""
        given = (
            args[position] if position < len(args) else kwargs.get(name, default)
            for position, name, default in self.chances
        )
        return self.may_draw and all(chance is None or chance for chance in given)


@cache
def operation_of(overload: Any) -> Operation:
    """What is known of an overload of torch's. Looked up in every call it would cost a third of a recording's time."""
    name = str(overload)
    written = tuple(
        (position, argument.name)
        for position, argument in enumerate(overload._schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    )
    may_draw = torch.Tag.nondeterministic_seeded in overload.tags
    chances = tuple(
        (position, argument.name, argument.default_value)
        for position, argument in enumerate(overload._schema.arguments)
        if argument.name in CHANCES
    )
    return Operation(name, written, may_draw, chances, name.startswith(CUTTING), name.startswith(DATA_SHAPED))
