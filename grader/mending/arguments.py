"""Arguments that are given twice in one call: one of the two is taken out."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import torch

from grader.mending._code import Change, Code
from grader.mending._mend import Mender, Slip
from grader.mistakes._mistake import RESBLOCK, changed
from grader.mistakes.constructor import TWICE

MOST_CALLS = 4  # of one layer in a line
_KEYWORD = re.compile(r"[ \t]*+(\w++)[ \t]*+=(?!=)")


class ArgumentGivenTwice(Mender):
    """`nn.Conv2d(a, b, 3, stride, 1, padding=1)`, by position and by name; and `nn.ReLU(x, inplace=True)`."""

    mistake = "argument-given-twice"
    broken = (
        changed(RESBLOCK, ("3, stride=stride, padding=1", "3, stride, 1, padding=1")),
        changed(RESBLOCK, ("3, stride=stride, padding=1", "3, 1, stride=stride, padding=1")),
        changed(RESBLOCK, ("3, stride=stride, padding=1", "3, 1, 1, stride=stride")),
        changed(RESBLOCK, ("return F.relu(out + identity)", "return nn.ReLU(out + identity, inplace=True)")),
    )

    def changes(self, slip: Slip, code: Code) -> Iterator[Change]:
        twice, text = TWICE.search(slip.message), code.line(slip.cell, slip.line)
        if slip.type != "TypeError" or twice is None or slip.cell is None or slip.line is None:
            return
        layer, name = twice.groups()
        made = getattr(torch.nn, layer, None)
        known = list(inspect.signature(made).parameters) if isinstance(made, type) else []
        for match in list(re.finditer(rf"\b{re.escape(layer)}\(", text))[:MOST_CALLS] if name in known else []:
            arguments, end = _arguments(text, match.end())
            by_name = [_KEYWORD.match(each) for each in arguments]
            named = [number for number, found in enumerate(by_name) if found is not None and found[1] == name]
            place = known.index(name)
            if not named or place >= len(arguments) or by_name[place] is not None:
                continue
            for left_out in (place, named[0]):
                kept = [each for number, each in enumerate(arguments) if number != left_out]
                if left_out == place:  # what stands behind keeps its place by its name
                    behind_it = zip(arguments[place + 1 :], by_name[place + 1 :], known[place + 1 :], strict=False)
                    kept[place:] = [each if found else f" {meant}={each.strip()}" for each, found, meant in behind_it]
                call = ",".join(kept).strip()
                behind = text[end:]
                if left_out == place == 0:  # what the layer was to be applied to
                    behind = f")({arguments[0].strip()}{behind}"
                yield code.written(slip.cell, {slip.line: f"{text[: match.end()]}{call}{behind}"})


def _arguments(text: str, start: int) -> tuple[list[str], int]:
    """What stands between the commas of a call, and where its bracket closes; nothing where that is in another line."""
    found, depth, begin = [], 0, start
    for place in range(start, len(text)):
        if text[place] in "([{":
            depth += 1
        elif text[place] in ")]}" and depth:
            depth -= 1
        elif text[place] in ",)]}" and not depth:
            found.append(text[begin:place])
            begin = place + 1
            if text[place] != ",":
                return found, place
    return [], len(text)
