"""Read the value of an expression that writes it down: a text, a number, a list of these, plain arithmetic.

Nothing is evaluated by Python, and nothing is guessed: what follows from more than its own text is Unreadable.
Texts are short, brackets are shallow and numbers are small, so that no text takes long.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeGuard

LONGEST = 2_000  # characters of an expression; nobody's answer is longer
_DEPTH = 16
_ITEMS = 64
_BITS = 128  # of a whole number

Scalar = bool | int | float | str
Value = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True)
class Nothing:
    """A placeholder: `...`, `None`, an empty text."""


@dataclass(frozen=True)
class Unreadable:
    """It may well be a value; which one cannot be told by reading."""

    text: str


Read = Value | Nothing | Unreadable

_TOKEN = re.compile(
    r"""\s*+(?:
      (?P<number> (?: 0[xXbBoO][0-9a-fA-F_]++
                    | (?:[0-9][0-9_]*+\.?+[0-9_]*+ | \.[0-9]++) (?:[eE][+-]?+[0-9]++)?+ ) (?![\w.]) )
    | (?P<string> (?P<prefix>[rRuUfF]?+)
                  (?: '''(?P<a>(?:[^'\\]++|\\.|'(?!''))*+)''' | \"""(?P<b>(?:[^"\\]++|\\.|"(?!""))*+)\"""
                    | '(?P<c>(?:[^'\\\n]++|\\.)*+)'             | "(?P<d>(?:[^"\\\n]++|\\.)*+)" ) )
    | (?P<name> [^\W\d]\w*+ (?:\.[^\W\d]\w*+)*+ )
    | (?P<sign> \.\.\. | \*\* | // | << | >> | [-+*/%()\[\]{},=] )
    )""",
    re.VERBOSE | re.DOTALL,
)
# As phones and word processors write them.
_QUOTES = str.maketrans({**dict.fromkeys("“”„«»", '"'), **dict.fromkeys("‘’‚`´", "'")})
_ESCAPE = re.compile(r"\\(\n|.)", re.DOTALL)
_ESCAPES = {"\n": "", "n": "\n", "t": "\t", "\\": "\\", "'": "'", '"': '"'}

# Calls that give their argument back, as far as an answer goes.
_CONTAINERS = {
    *("list", "tuple", "set", "frozenset", "sorted", "torch.Size", "Size"),
    *("torch.tensor", "torch.Tensor", "torch.as_tensor", "tensor", "np.array", "numpy.array"),
}
_CALLS = {*_CONTAINERS, "int", "float", "str", "np.float32", "np.float64", "np.int64"}
_CONSTANTS: dict[str, Read] = {
    "None": Nothing(),
    "True": True,
    "False": False,
    **dict.fromkeys(("math.inf", "np.inf", "numpy.inf", "torch.inf"), math.inf),
    **dict.fromkeys(("math.nan", "np.nan", "numpy.nan", "torch.nan"), math.nan),
}


def read_literal(text: str, known: Mapping[str, Read] | None = None) -> Read:
    """The value that an expression writes down.

    Args:
        known: what names were bound to before.
    """
    if len(text) > LONGEST:
        return Unreadable(f"{text[:40]}…")
    try:
        return _Reader(text, known or {}).whole()
    except _CannotRead:
        if (plain := text.translate(_QUOTES)) != text:
            return read_literal(plain, known)
        return Unreadable(text)


def read_items(text: str, known: Mapping[str, Read]) -> list[Read] | None:
    """The values between the commas of `"b", (1, 2)`; None, where they cannot be told apart."""
    if len(text) > LONGEST:
        return None
    try:
        return _Reader(text, known).several()
    except _CannotRead:
        return None


class _CannotRead(Exception):
    pass


class _Reader:
    """Recursive descent, as deep as `_DEPTH`."""

    def __init__(self, text: str, known: Mapping[str, Read]) -> None:
        self._text, self._known = text, known
        self._here = self._depth = 0
        self._token: re.Match[str] | None = None
        self._next()

    def whole(self) -> Read:
        value = self._items(ends="")
        if self._token is not None:
            raise _CannotRead
        if value == "" or (isinstance(value, str) and not value.strip()) or value == ():
            return Nothing()
        return value

    def several(self) -> list[Read]:
        brackets = self._take("(", "[")
        items = [self._expression()]
        while self._take(","):
            if self._token is None or self._at(")", "]"):
                break
            items.append(self._expression())
        if brackets:
            self._expect({"(": ")", "[": "]"}[brackets])
        if self._token is not None:
            raise _CannotRead
        return items

    # ------------------------------------------------------------------ tokens

    def _next(self) -> None:
        self._token = _TOKEN.match(self._text, self._here)
        if self._token is not None:
            self._here = self._token.end()
        elif self._text[self._here :].strip():
            raise _CannotRead

    def _at(self, *signs: str) -> str:
        """The sign here, if it is one of these."""
        return self._token["sign"] if self._token is not None and self._token["sign"] in signs else ""

    def _take(self, *signs: str) -> str:
        sign = self._at(*signs)
        if sign:
            self._next()
        return sign

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise _CannotRead

    # ------------------------------------------------------------------ grammar

    def _items(self, ends: str) -> Read:
        """One expression, or several with commas between them."""
        if self._token is None or (ends and self._at(ends)):
            return ()
        items = [self._expression()]
        is_several = False
        while self._take(","):
            is_several = True
            if self._token is None or (ends and self._at(ends)):
                break
            items.append(self._expression())
        if not is_several:
            return items[0]
        return _sequence(items)

    def _expression(self) -> Read:
        self._depth += 1
        if self._depth > _DEPTH:
            raise _CannotRead
        value = self._sum()
        while sign := self._take("<<", ">>"):
            value = _fold(sign, value, self._sum())
        self._depth -= 1
        return value

    def _sum(self) -> Read:
        value = self._product()
        while sign := self._take("+", "-"):
            value = _fold(sign, value, self._product())
        return value

    def _product(self) -> Read:
        value = self._signed()
        while sign := self._take("*", "/", "//", "%"):
            value = _fold(sign, value, self._signed())
        return value

    def _signed(self) -> Read:
        negative = signed = False
        while sign := self._take("+", "-"):
            signed, negative = True, negative != (sign == "-")
        value = self._power()
        return _fold("*", value, -1 if negative else 1) if signed else value

    def _power(self) -> Read:
        value = self._atom()
        if not self._take("**"):
            return value
        self._depth += 1
        if self._depth > _DEPTH:
            raise _CannotRead
        value = _fold("**", value, self._signed())
        self._depth -= 1
        return value

    def _atom(self) -> Read:
        token = self._token
        if token is None:
            raise _CannotRead
        self._next()
        if token["number"]:
            return _number(token["number"])
        if token["string"]:
            text = _string(token)
            while self._token is not None and self._token["string"]:
                text += _string(self._token)
                self._next()
            return text
        if token["name"]:
            return self._name(token["name"])
        if token["sign"] == "...":
            return Nothing()
        if token["sign"] in ("(", "[", "{"):
            end = {"(": ")", "[": "]", "{": "}"}[token["sign"]]
            value = self._items(end)
            self._expect(end)
            if token["sign"] == "(" or isinstance(value, Nothing):
                return value
            # `[2]` is a list of one, and `[2, 3]` is what `2, 3` is; `[(2, 3)]` is more than an answer.
            return value if isinstance(value, tuple) else _sequence([value])
        raise _CannotRead

    def _name(self, name: str) -> Read:
        if name in self._known:
            value = self._known[name]
            if isinstance(value, Unreadable):
                raise _CannotRead
            return value
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if name not in _CALLS:
            raise _CannotRead
        self._expect("(")
        given = self._arguments()
        self._expect(")")
        return _called(name, given)

    def _arguments(self) -> Read:
        """One value; keywords such as `dtype=torch.float64` change nothing about it."""
        value = self._expression()
        while self._take(","):
            if self._at(")"):
                break
            if self._token is None or not self._token["name"]:
                raise _CannotRead
            self._next()
            self._expect("=")
            if self._token is None or not self._token["name"]:
                raise _CannotRead
            self._next()
        return value


def _sequence(items: list[Read]) -> Value:
    if len(items) > _ITEMS or not all(isinstance(item, Scalar) for item in items):
        raise _CannotRead
    return tuple(item for item in items if isinstance(item, Scalar))


def _called(name: str, given: Read) -> Read:
    if name in _CONTAINERS:
        if isinstance(given, str) and "ensor" not in name:
            raise _CannotRead  # list("ac") is a list of letters, and who writes that means something else
        return given
    if isinstance(given, Nothing | Unreadable | tuple):
        raise _CannotRead
    if name == "str":
        return given if isinstance(given, str) else str(given)
    try:
        number = float(given) if name != "int" or isinstance(given, float) else int(given)
        return int(number) if "int" in name else number
    except (ValueError, OverflowError):
        raise _CannotRead from None


def _number(text: str) -> int | float:
    try:
        if len(text) <= 40 and "." not in text and not ("e" in text.lower() and not text.lower().startswith("0x")):
            return int(text, 0)
        return float(text)
    except ValueError:
        raise _CannotRead from None


def _string(token: re.Match[str]) -> str:
    body = next(token[group] for group in "abcd" if token[group] is not None)
    prefix = token["prefix"].lower()
    if prefix == "f" and ("{" in body or "}" in body):
        raise _CannotRead
    if prefix == "r":
        return body
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[0]), body)


_OPERATORS: dict[str, Callable[[int | float, int | float], int | float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
_SHIFTS: dict[str, Callable[[int, int], int]] = {"<<": operator.lshift, ">>": operator.rshift}


def _fold(sign: str, left: Read, right: Read) -> int | float:
    """Arithmetic of two numbers. A text or a list is none, and neither are True and False."""
    if not _is_number(left) or not _is_number(right):
        raise _CannotRead
    if sign == "**" and (abs(right) > 1_000 or (isinstance(left, int) and left.bit_length() * abs(right) > _BITS)):
        raise _CannotRead
    if sign in _SHIFTS:
        if isinstance(left, float) or isinstance(right, float) or not 0 <= right <= _BITS:
            raise _CannotRead
        return _in_bounds(_SHIFTS[sign](left, right))
    try:
        value = _OPERATORS[sign](left, right)
    except (ArithmeticError, ValueError):
        raise _CannotRead from None
    return _in_bounds(value)


def _in_bounds(value: object) -> int | float:
    if not _is_number(value):
        raise _CannotRead
    return value


def _is_number(value: object) -> TypeGuard[int | float]:
    return type(value) is float or (type(value) is int and value.bit_length() <= _BITS)
