"""The mistake catalogue: every known mistake, its words, and the repair of a broken snippet."""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from collections import defaultdict
from collections.abc import Iterator

import grader.mistakes
from grader.mistakes import mistakes
from grader.mistakes._chained import ChainMistake
from grader.mistakes._mistake import RESBLOCK, Mistake, Planted

_TOO_FAR = 20  # lines that differ: no repair, another program
_CONTEXT = 4
_ESCAPES = {ord(sign): f"\\{sign}" for sign in "*_[]|"} | {ord("<"): "&lt;", ord(">"): "&gt;"}

HEAD = """# Known mistakes

{count} mistakes have a name. *Planted* ones are proven by replay: the reference with exactly this mistake behaves \
exactly like the student's code. *Noticed* ones are read off what was seen, such as an error that was raised.

The repair is shown line by line: red is what was wrong, green is what is right. The broken sources are those that \
the tests grade, and each must be found by its name.

"""


def pages() -> dict[str, str]:
    """A table of all, and one page for each family: the mistakes that share a file."""
    families: dict[str, list[Mistake]] = defaultdict(list)
    for mistake in mistakes().values():
        families[type(mistake).__module__.rpartition(".")[2]].append(mistake)
    found = {"reference/mistakes.md": _index(families)}
    bases = _bases()
    for family, members in sorted(families.items()):
        found[f"reference/mistakes/{family}.md"] = "\n".join(_family(family, members, bases))
    return found


def _index(families: dict[str, list[Mistake]]) -> str:
    text = HEAD.format(count=sum(map(len, families.values())))
    for family, members in sorted(families.items()):
        text += f"## {_title(family)}\n\n| Mistake | What the student is told |\n|---|---|\n"
        for each in members:
            text += f"| [`{each.id}`](mistakes/{family}.md#{each.id}) | {_escaped(each.message)} |\n"
        text += "\n"
    return text


def _family(family: str, members: list[Mistake], bases: list[str]) -> Iterator[str]:
    yield f"# {_title(family)}\n\n[All known mistakes](../mistakes.md)\n"
    intro = inspect.getdoc(inspect.getmodule(type(members[0]))) or ""
    if intro:
        yield f"{_escaped(intro.split(chr(10) * 2)[0])}\n"
    for mistake in members:
        yield from _mistake(mistake, bases)


def _mistake(mistake: Mistake, bases: list[str]) -> Iterator[str]:
    yield f"## `{mistake.id}` {{ #{mistake.id} }}\n"
    yield f"{_escaped(mistake.message)}\n"
    why, hints = getattr(mistake, "why", ""), getattr(mistake, "hints", ())
    if why:
        yield f"**Why it matters.** {_escaped(why)}\n"
    if hints:
        yield "\n".join(f"{number}. {_escaped(hint)}" for number, hint in enumerate(hints, 1)) + "\n"
    broken = mistake.broken[0].strip("\n")
    base = min(bases, key=lambda right: _distance(broken, right))
    if _distance(broken, base) <= _TOO_FAR:
        yield f"The repair:\n\n```diff\n{repair(broken, base)}\n```\n"
    else:
        yield f"Wrong:\n\n```python\n{broken}\n```\n\nRight:\n\n```python\n{RESBLOCK.strip()}\n```\n"
    known = "proven by replay" if isinstance(mistake, Planted | ChainMistake) else "noticed"
    ways = f", in {len(mistake.broken)} ways of writing it that the tests grade" if len(mistake.broken) > 1 else ""
    yield f"It is {known}{ways}.\n"


def repair(broken: str, right: str) -> str:
    """From broken to right, with some lines around each change, and … for what is left out."""
    lines = []
    diff = difflib.unified_diff(broken.splitlines(), right.splitlines(), n=_CONTEXT, lineterm="")
    for number, line in enumerate(list(diff)[2:]):
        lines.append(line if not line.startswith("@@") else " …" if number else "")
    return "\n".join(lines).strip("\n")


def _distance(broken: str, right: str) -> int:
    matcher = difflib.SequenceMatcher(None, broken.splitlines(), right.splitlines(), autojunk=False)
    return sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal")


def _bases() -> list[str]:
    """The right programs that broken ones were made of; the plain block first, which wins a tie."""
    broken = {source for mistake in mistakes().values() for source in mistake.broken}
    found = [RESBLOCK.strip("\n")]
    for each in pkgutil.iter_modules(grader.mistakes.__path__):
        module = importlib.import_module(f"grader.mistakes.{each.name}")
        for name, value in vars(module).items():
            is_program = isinstance(value, str) and name.isupper() and "\nclass " in value and "def forward" in value
            if is_program and value not in broken and value.strip("\n") not in found:
                found.append(value.strip("\n"))
    return found


def _title(family: str) -> str:
    return family.replace("_", " ").capitalize()


def _escaped(text: str) -> str:
    """Prose that holds code such as `__init__` or `F(x)*x`, as Markdown shows it unchanged."""
    text = " ".join(text.split())
    return "`".join(
        part if number % 2 else part.replace("\\", "\\\\").translate(_ESCAPES)
        for number, part in enumerate(text.split("`"))
    )
