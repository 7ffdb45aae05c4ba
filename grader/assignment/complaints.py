"""What is wrong with an assignment.toml, in its author's words: file, key and what was expected there."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError


def explain(path: Path, content: dict[str, object], error: ValidationError) -> list[str]:
    """One line for each mistake."""
    lines = []
    for problem in error.errors():
        where = _place(content, problem["loc"])
        if problem["type"] == "extra_forbidden":
            what = "unknown key; remove it or check its spelling"
        elif problem["type"] == "missing":
            what = "missing; this key is required"
        elif problem["type"] == "union_tag_invalid":
            what = f"expected one of {problem['ctx']['expected_tags']}, found {problem['ctx']['tag']!r}"
            where += ".kind"
        elif problem["type"] == "union_tag_not_found":
            kinds = "'module', 'network', 'function', 'experiment', 'essay', 'choice', 'predict'"
            what = f"missing; expected one of {kinds}"
            where += ".kind"
        elif problem["type"] == "value_error":
            what = str(problem["ctx"]["error"])
        else:
            what = f"{problem['msg'][:1].lower()}{problem['msg'][1:]}, found {problem['input']!r}"
        lines.append(f"{path}: {where or 'file'}: {what}")
    return lines


def _place(content: object, location: tuple[int | str, ...]) -> str:
    """`exercise[0].case[2].input` as `exercise 'resblock': case[2].input`: by id where there is one."""
    parts: list[str] = []
    here = content
    for step in location:
        if isinstance(here, list) and isinstance(step, int):
            here = here[step] if step < len(here) else None
            name = here.get("id") if isinstance(here, dict) else None
            parts[-1] += f"[{name or step}]"
        elif isinstance(here, dict) and step in here:
            here = here[str(step)]
            parts.append(str(step))
        elif isinstance(here, dict) and here.get("kind") == step:
            continue  # pydantic names the kind of a union between the index and the key
        elif isinstance(step, str) and not step.isidentifier():
            continue  # and which of two kinds of value it takes it for
        else:
            here = None
            parts.append(str(step))
    return ".".join(parts)
