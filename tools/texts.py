"""Keep the catalogues of `grader/locale` in step with the code: `make texts`.

    python tools/texts.py            every catalogue: new texts are added, gone ones removed, and it is compiled
    python tools/texts.py fr         begin a new language
    python tools/texts.py --check    change nothing; 1 if anything is missing, gone, unsure or not compiled

Texts are `say`, `many` and `later` in the code and in the templates, and the constants of the families: what mistakes
and lessons say.
"""

from __future__ import annotations

import argparse
import ast
import pkgutil
import re
import sys
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import IO

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import grader  # noqa: E402
from grader.language import DOMAIN, LOCALE, SOURCE, languages  # noqa: E402
from grader.mistakes import mistakes  # noqa: E402
from grader.mistakes._mistake import Planted  # noqa: E402
from grader.verdict import Lesson  # noqa: E402


def of_python(
    file: IO[bytes], keywords: Collection[str], comment_tags: object, options: object
) -> Iterator[tuple[int, str, list[str | None], list[str]]]:
    """Calls with their literal arguments, inside of f-strings too: Babel's own way of reading Python skips those."""
    for node in ast.walk(ast.parse(file.read())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in keywords:
            values = [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args]
            yield node.lineno, node.func.id, [text if isinstance(text, str) else None for text in values], []


METHODS = [("**.py", of_python), ("**.j2", "jinja2.ext:babel_extract")]
KEYWORDS = {"say": (1,), "many": (1, 2), "later": (1,)}
OPTIONS = {"**.j2": {"trimmed": "true", "silent": "false"}}
HEAD = "# What grader says, in {language}. Kept in step with the code by `make texts`."
FIELD = re.compile(r"(?<!\{)\{(\w*)\}(?!\})")


def texts() -> Catalog:
    """Everything that is said, in the source language."""
    catalog = Catalog(fuzzy=False)
    # Babel leaves out folders that begin with `_`, unless it is told not to.
    everywhere = extract_from_dir(ROOT / "grader", METHODS, OPTIONS, KEYWORDS, (), directory_filter=lambda _: True)
    for _, _, message, _, _ in everywhere:
        catalog.add(message)
    for constant in _of_mistakes():
        catalog.add(constant)
    for lesson in _lessons():
        catalog.add(lesson.why)
        for hint in lesson.hints:
            catalog.add(hint)
    return catalog


def _of_mistakes() -> Iterator[str]:
    for mistake in mistakes().values():
        yield from (mistake.message, mistake.why, *mistake.hints)
        if isinstance(mistake, Planted):
            yield from (plant.message for plant in mistake.plants if plant.message)


def _lessons() -> Iterator[Lesson]:
    """Those that stand as constants."""
    for module in pkgutil.walk_packages(grader.__path__, "grader."):
        if "lessons" in module.name.rpartition(".")[2]:
            yield from (value for value in vars(import_module(module.name)).values() if isinstance(value, Lesson))


def path_of(language: str) -> Path:
    """Its catalogue, to be read and written by people."""
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(language: str) -> Catalog:
    path = path_of(language)
    if not path.is_file():
        return Catalog(language, header_comment=HEAD.format(language=language), fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, language)


def updated(language: str) -> Catalog:
    """Its catalogue with just the texts there are now: what was said before is kept."""
    catalog = read(language)
    catalog.update(texts(), no_fuzzy_matching=True, update_header_comment=False)
    catalog.obsolete.clear()
    return catalog


def as_po(catalog: Catalog) -> bytes:
    file = BytesIO()
    write_po(file, catalog, width=120, sort_output=True, omit_header=False, no_location=True)
    # Of its head only what a reader of the file needs: dates would change with every run.
    head = (
        rb'"(?:[\w-]+-Date|Project-Id-Version|Report-Msgid-Bugs-To|Last-Translator|Language-Team|Generated-By):[^"]*"\n'
    )
    return re.sub(head, b"", file.getvalue())


def as_mo(catalog: Catalog) -> bytes:
    file = BytesIO()
    catalog.creation_date = datetime.fromtimestamp(0, UTC)  # else it is now, and each minute the bytes are others
    write_mo(file, catalog)
    return file.getvalue()


def problems(language: str) -> Iterator[str]:
    """What is wrong with a language, in words."""
    catalog = updated(language)
    if as_po(catalog) != path_of(language).read_bytes():
        yield f"{path_of(language)}: not as `make texts` leaves it"
    for message in catalog:
        if not message.id:
            continue
        forms = [message.id] if isinstance(message.id, str) else list(message.id)
        said = [message.string] if isinstance(message.string, str) else list(message.string or ())
        if message.fuzzy or not said or not all(said):
            yield f"{language}: not translated: {forms[0]!r}"
        elif any(_names(each) not in map(_names, forms) for each in said):
            yield f"{language}: other names in braces: {forms[0]!r}"
    if as_mo(read(language)) != path_of(language).with_suffix(".mo").read_bytes():
        yield f"{path_of(language)}: not compiled"


def _names(text: str) -> set[str]:
    """The names in braces: the form for one thing may leave its number out."""
    return set(FIELD.findall(text))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help="codes (default: those there are)")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    wanted = arguments.languages or [language for language in languages() if language != SOURCE]
    if arguments.check:
        found = [problem for language in wanted for problem in problems(language)]
        for problem in found:
            print(problem)
        return 1 if found else 0
    for language in wanted:
        path = path_of(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_po(updated(language)))
        catalog = read(language)
        path.with_suffix(".mo").write_bytes(as_mo(catalog))
        missing = sum(not message.string or not all(message.string) for message in catalog if message.id)
        print(f"{language}: {len(catalog)} texts, {missing} not translated")
    return 0


if __name__ == "__main__":
    sys.exit(main())
