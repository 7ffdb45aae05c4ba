"""Values that functions return: read from plain data, compared with what they should be, and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from grader.errors import ProtocolViolated
from grader.language import many, say

Value = Any  # None, bool, int, float, str, Tensor, or a list or dict of them
_HUGE = 10**300  # integers beyond are compared as they are
_SHORT = 14  # binary digits: that many have 0.5, 0.375 and 27, in any precision
_FEW = 8  # numbers that are shown of a tensor


class PlainValue(BaseModel):
    """A value as a student's process tells it: see `grader.worker.functions`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["none", "bool", "int", "float", "str", "tensor", "list", "dict", "long", "deep", "other"]
    text: str = Field("", max_length=4000)
    items: Annotated[list[PlainValue], Field(max_length=5000)] = []


@dataclass(frozen=True)
class Other:
    """A value that is not compared: what it is, in words."""

    words: str

    def __repr__(self) -> str:
        return self.words


@dataclass(frozen=True)
class Unlike:
    """Where two values differ, and how: `expected` and `found` are words."""

    where: str
    expected: str
    found: str


def decode(plain: PlainValue, tensors: Mapping[str, Tensor]) -> Value:
    """The value that was told.

    Raises:
        ProtocolViolated: it is none.
    """
    try:
        match plain.kind:
            case "none":
                return None
            case "bool":
                return plain.text == "True"
            case "int":
                return int(plain.text)
            case "float":
                return float(plain.text)
            case "str":
                return plain.text
            case "tensor":
                return tensors[plain.text]
            case "list":
                return [decode(each, tensors) for each in plain.items]
            case "dict":
                parts = [decode(each, tensors) for each in plain.items]
                return dict(zip(map(_as_key, parts[::2]), parts[1::2], strict=True))
            case "long":
                return Other(say("a whole number of more than 300 digits"))
            case "deep":
                return Other(say("more than can be compared"))
        return Other(say("a value of type {type}", type=plain.text))
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolViolated(say("an answer is malformed: {error}", error=type(error).__name__)) from error


def _as_key(value: Value) -> Value:
    """A value as it can be the key of a dict: what is told as a list was a tuple there."""
    return tuple(map(_as_key, value)) if isinstance(value, list) else value


def unlike(expected: Value, found: Value, tolerance: float, where: str = "") -> Unlike | None:
    """The first difference between a value and what it should be; None where they agree.

    How numbers are wrapped does not matter: 2, 2.0 and True are the same, a list of numbers, a tuple, an array and a
    tensor are, and where one number is expected each of these may hold it. Numbers agree within `tolerance`, relative
    to the largest one expected; counts agree each by itself, since beside a huge one a small one is as certain.
    """
    numbers, given = numbers_of(expected), numbers_of(found)
    if numbers is not None:
        if given is None:
            return Unlike(where, show(expected), show(found))
        return _unlike_numbers(numbers, given, tolerance, where, counts=_is_counted(expected))
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        differences = (unlike(e, f, tolerance, f"{where}[{i}]") for i, (e, f) in pairs)
        return next((difference for difference in differences if difference is not None), None)
    if isinstance(expected, dict) and isinstance(found, dict) and set(expected) == set(found):
        differences = (unlike(e, found[key], tolerance, f"{where}[{key!r}]") for key, e in expected.items())
        return next((difference for difference in differences if difference is not None), None)
    if type(expected) is type(found) and not isinstance(expected, list | dict) and expected == found:
        return None
    return Unlike(where, show(expected), show(found))


def _unlike_numbers(expected: Tensor, given: Tensor, tolerance: float, where: str, *, counts: bool) -> Unlike | None:
    if not expected.dim() and given.numel() == 1:
        given = given.reshape(())
    if given.shape != expected.shape:
        return Unlike(where, show_shape(expected), show_shape(given))
    finite = expected[torch.isfinite(expected)]
    largest = float(finite.abs().max()) if finite.numel() else 0.0
    if counts:
        largest = min(largest, 1.0)
    close = torch.isclose(given, expected, rtol=tolerance, atol=tolerance * max(largest, 1e-300), equal_nan=True)
    if bool(close.all()):
        return None
    if expected.dim() == 0:
        return Unlike(where, *_told_apart(expected, given))
    index = [int(i) for i in (~close).nonzero()[0]]
    place = f"{where}[{', '.join(map(str, index))}]"
    return Unlike(place, *_told_apart(expected[tuple(index)], given[tuple(index)]))


def _told_apart(expected: Tensor, found: Tensor) -> tuple[str, str]:
    """Two numbers, with as many digits as it takes to tell them apart."""
    words = ((f"{float(expected):.{digits}g}", f"{float(found):.{digits}g}") for digits in (6, 9, 12, 17))
    return next(((one, other) for one, other in words if one != other), (show(expected), show(found)))


def is_in_single_precision(value: Value) -> bool:
    """Was it computed in float32? Then its numbers have no more digits than that has, though they may have many."""
    if isinstance(value, Tensor) and value.is_floating_point() and value.dtype is not torch.float64:
        return True
    found = numbers_of(value)
    if found is None:
        parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
        return bool(parts) and all(map(is_in_single_precision, parts))
    has_many_digits = torch.isfinite(found) & (torch.frexp(found).mantissa * 2**_SHORT % 1 != 0)
    return bool(has_many_digits.any()) and bool((found.float().double() == found)[torch.isfinite(found)].all())


def _is_counted(value: Value) -> bool:
    """Is it made of whole numbers alone?"""
    if isinstance(value, Tensor):
        return not value.is_floating_point()
    return all(map(_is_counted, value)) if isinstance(value, list) else isinstance(value, int)


def numbers_of(value: Value) -> Tensor | None:
    """A number, or numbers in a regular array, as float64; None for anything else."""
    if isinstance(value, Tensor):
        return None if value.is_complex() else value.to(torch.float64)
    if isinstance(value, bool | int | float) and not (isinstance(value, int) and abs(value) >= _HUGE):
        return torch.tensor(float(value), dtype=torch.float64)
    if isinstance(value, list) and value:
        parts = [numbers_of(each) for each in value]
        if all(part is not None and part.shape == (parts[0].shape if parts[0] is not None else ()) for part in parts):
            return torch.stack([part for part in parts if part is not None])
    return None


def show(value: Value) -> str:
    """A value in few words."""
    if isinstance(value, Tensor):
        if value.dim() == 0:
            return f"{float(value):.6g}"
        if value.numel() > _FEW:
            return show_shape(value)
        return _listed(value.tolist())
    if isinstance(value, Other):
        return value.words
    if value is None:
        return say("None (nothing is returned)")
    if isinstance(value, float):
        return f"{value:.6g}"
    numbers = numbers_of(value) if isinstance(value, list) and not _is_counted(value) else None
    if numbers is not None:
        return show(numbers)
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _listed(number: Any) -> str:
    """Numbers in brackets, as many as there are."""
    if isinstance(number, list):
        return f"[{', '.join(map(_listed, number))}]"
    return str(number) if isinstance(number, int) else f"{number:.6g}"


def show_shape(tensor: Tensor) -> str:
    """The shape of numbers, in words."""
    if not tensor.dim():
        return say("a single number")
    if tensor.dim() == 1 and len(tensor):
        return many("a list (or an array) of one number", "{n} numbers", len(tensor))
    return say("numbers of shape {shape}", shape="×".join(map(str, tensor.shape)))
