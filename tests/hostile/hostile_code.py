"""Source that is short to write and long, deep or large to parse, compile or run. By name; each is a class body or a
cell that a right block stands beside."""

from __future__ import annotations

import json
from typing import Any

DEEP = 100_000


def _nested_fstrings(depth: int) -> str:
    text = "1"
    for level in range(depth):
        quote = "\"'"[level % 2]
        text = f"f{quote * (3 if level > 1 else 1)}{{{text}}}{quote * (3 if level > 1 else 1)}"
    return text


EXPRESSIONS = {
    "brackets": "(" * DEEP + "1" + ")" * DEEP,
    "lists": "[" * 150 + "]" * 150,
    "minuses": "-" * DEEP + "1",
    "nots": "not " * DEEP + "1",
    "lambdas": "lambda: " * DEEP + "1",
    "sum": "1" + "+1" * DEEP,
    "attributes": "x" + ".x" * DEEP,
    "calls": "x" + "()" * DEEP,
    "indices": "x" + "[0]" * DEEP,
    "conditions": "1 if 1 else " * DEEP + "1",
    "comparison": "1" + " < 1" * DEEP,
    "f-strings": _nested_fstrings(4),
    "long-string": '"x" * 10**9',
    "folded-strings": "'x' * 4096 * 4096 * 4096",
    "tower": "9 ** 9 ** 9",
    "shift": "1 << 10**11",
    "large-tuple": "(1,) * 10**10",
    "digits": "9" * 5000,
    "dictionary": "{" + "1:1," * DEEP + "}",
    "string-of-megabytes": "'" + "x" * 5_000_000 + "'",
    "regex": "__import__('re').match('(a+)+$', 'a' * 64 + 'b')",
}
STATEMENTS = {
    "elifs": "if 0: pass\n" + "elif 0: pass\n" * 1_400,
    "more-elifs": "if 0: pass\n" + "elif 0: pass\n" * 5_000,
    "ifs": "".join(" " * level + "if 1:\n" for level in range(200)) + " " * 200 + "pass\n",
    "loops": "".join(" " * level + "for i in x:\n" for level in range(60)) + " " * 60 + "pass\n",
    "decorators": "@x\n" * 20_000 + "def f(): pass\n",
    "assignments": "a = " * 20_000 + "1\n",
    "many-lines": "x = 1\n" * 200_000,
    "magics": "%time 1\n" * 2_000,
    "continuation": "x = 1 \\\n" * 50_000,
    "null": "x = '\0'\n",
    "odd-encoding": "# coding: utf-7\nx = 1\n",
    "form-feeds": "\f" * 100_000 + "x = 1\n",
    "match": "match x:\n" + "  case [" + "[" * 150 + "]" * 150 + "]: pass\n",
    "with": "with " + "(" * 150 + "x" + ")" * 150 + ": pass\n",
}


def cell(source: str, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None} | more


def notebook(*cells: dict[str, Any]) -> str:
    metadata = {"grader": {"assignment": "residual-blocks"}}
    return json.dumps({"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 4})
