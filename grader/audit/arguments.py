"""Python expressions in a constructor's arguments: for a number that differs from case to case, for a set of cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import combinations, permutations

FACTORS = (2, 4, 8, 16, 3)
Number = int | float


class Arguments:
    """The arguments of a constructor, and what they are in each case.

    Args:
        defaults: every argument, in the constructor's order, with its default as a Python expression or "".
        cases: the value of every argument in each case, defaults included.
    """

    def __init__(self, defaults: dict[str, str], cases: list[tuple[object, ...]]) -> None:
        self.names = list(defaults)
        self.defaults = defaults
        self.cases = cases

    def number(self, wanted: Mapping[int, Number]) -> str:
        """An expression that has this value in each of these cases: the plainest there is, else a table."""
        first, *others = wanted.values()
        if all(type(other) is type(first) and other == first for other in others):
            return repr(first)
        for text, values in self._numbers:
            if all(values[case] == value for case, value in wanted.items()):
                return text
        return f"{self._table(wanted)}.get({self._tuple})"

    def condition(self, cases: set[int], among: set[int]) -> str:
        """An expression that is true in exactly these of some cases."""
        for text, holds in self._conditions:
            if {case for case in among if holds(case)} == cases:
                return text
        return f"{self._tuple} in {sorted({self.cases[case] for case in cases}, key=repr)!r}"

    @property
    def _tuple(self) -> str:
        return f"({', '.join(self.names)},)" if len(self.names) == 1 else f"({', '.join(self.names)})"

    def _table(self, wanted: Mapping[int, Number]) -> str:
        return repr({self.cases[case]: value for case, value in wanted.items()})

    def _column(self, position: int) -> list[object]:
        return [case[position] for case in self.cases]

    @cached_property
    def _whole(self) -> dict[str, list[int]]:
        """The arguments that are whole numbers in every case."""
        return {
            name: [value for value in self._column(position) if isinstance(value, int)]
            for position, name in enumerate(self.names)
            if all(type(value) is int for value in self._column(position))
        }

    @cached_property
    def _numbers(self) -> list[tuple[str, list[Number]]]:
        return list(self._make_numbers())

    def _make_numbers(self) -> Iterator[tuple[str, list[Number]]]:
        whole = self._whole
        yield from whole.items()  # type: ignore[misc]
        for name, values in whole.items():
            for factor in FACTORS:
                yield f"{name} // {factor}", [value // factor for value in values]
                yield f"{name} * {factor}", [value * factor for value in values]
            yield f"{name} // 2 * 3", [value // 2 * 3 for value in values]
        for one, other in permutations(whole, 2):
            pairs = list(zip(whole[one], whole[other], strict=True))
            yield f"{one} * {other}", [a * b for a, b in pairs]
            yield f"{one} - {other}", [a - b for a, b in pairs]
            yield f"{one} + {other}", [a + b for a, b in pairs]
            if all(b for _, b in pairs):
                yield f"{one} // {other}", [a // b for a, b in pairs]

    @cached_property
    def _conditions(self) -> list[tuple[str, Callable[[int], bool]]]:
        atoms = list(self._atoms())
        found = list(atoms)
        for (one, holds), (other, too) in combinations(atoms, 2):
            found.append((f"{one} or {other}", _either(holds, too)))
        for (one, holds), (other, too) in combinations(atoms, 2):
            found.append((f"{one} and {other}", _both(holds, too)))
        return found

    def _atoms(self) -> Iterator[tuple[str, Callable[[int], bool]]]:
        """Comparisons of one argument with another, with its default and with other constants; the likeliest first."""
        for one, other in combinations(self._whole, 2):
            differs = [a != b for a, b in zip(self._whole[one], self._whole[other], strict=True)]
            yield f"{one} != {other}", _is(differs, True)
            yield f"{one} == {other}", _is(differs, False)
        for position, name in enumerate(self.names):
            column = self._column(position)
            if all(type(value) is bool for value in column):
                yield name, _is(column, True)
                yield f"not {name}", _is(column, False)
                continue
            for value in sorted(set(column), key=lambda value: (repr(value) != self.defaults[name], repr(value))):
                yield f"{name} != {value!r}", _is_not(column, value)
                yield f"{name} == {value!r}", _is(column, value)


def _is(column: list[object] | list[bool], value: object) -> Callable[[int], bool]:
    return lambda case: column[case] == value


def _is_not(column: list[object], value: object) -> Callable[[int], bool]:
    return lambda case: column[case] != value


def _either(one: Callable[[int], bool], other: Callable[[int], bool]) -> Callable[[int], bool]:
    return lambda case: one(case) or other(case)


def _both(one: Callable[[int], bool], other: Callable[[int], bool]) -> Callable[[int], bool]:
    return lambda case: one(case) and other(case)
