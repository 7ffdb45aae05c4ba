"""The documentation site: built as `make docs` builds it, complete, and asking nobody else for anything."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup, Tag
from typer.main import get_command

from grader.assignment import Assignment
from grader.cli import app
from grader.formats import formats
from grader.formats.json import schema
from grader.mistakes import mistakes

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "tools" / "site"))

import catalogue  # noqa: E402  (where it lies is said above)
import layers  # noqa: E402
import links  # noqa: E402

MISSING = [name for name in ("mkdocs", "material") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (the extra `docs`)"),
]

Page = Callable[[str], BeautifulSoup]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "site"
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert 0 == run.returncode, run.stderr
    assert "WARNING" not in run.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, BeautifulSoup]:
    """Every page, by its path; the page for what is not found knows no path of its own."""
    return {
        path.relative_to(site).as_posix(): BeautifulSoup(path.read_text(), "html.parser")
        for path in sorted(site.rglob("*.html"))
        if path.name != "404.html"
    }


def words(page: BeautifulSoup) -> str:
    content = page.find("article")
    assert isinstance(content, Tag)
    return " ".join(content.get_text(" ").split())


def anchors(page: BeautifulSoup) -> set[str]:
    return {str(each["id"]) for each in page.find_all(id=True)}


# ---------------------------------------------------------------------- whole in itself


def test_make_docs_builds_it_like_this() -> None:
    said = subprocess.run(["make", "-n", "docs"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "python -m mkdocs build --strict\n" in said


def test_no_page_asks_anybody_else_for_anything(site: Path, pages: dict[str, BeautifulSoup]) -> None:
    """No script, style, font or picture from elsewhere; links to elsewhere are for the reader to follow."""
    asked = []
    for name, page in pages.items():
        for each in page.find_all(["script", "link", "img", "iframe", "source", "video", "audio", "object", "embed"]):
            asked += [
                f"{name}: {each.name} {value}"
                for value in (each.get("src"), each.get("href"), each.get("data"), each.get("srcset"))
                if value and urlsplit(str(value)).netloc
            ]
        asked += [f"{name}: {each.string}" for each in page.find_all("style") if "//" in str(each.string)]
        assert not page.select(".mermaid"), "the theme would fetch a library for it"
    for style in site.rglob("*.css"):
        asked += [
            f"{style.name}: {each}"
            for each in re.findall(r"url\([\"']?(?:https?:)?//[^)]*|@import[^;]*", style.read_text())
        ]
    assert [] == asked


def test_every_link_leads_to_something(site: Path, pages: dict[str, BeautifulSoup]) -> None:
    known = {name: anchors(page) for name, page in pages.items()}
    dead = []
    for name, page in pages.items():
        for link in page.find_all("a", href=True):
            parts = urlsplit(str(link["href"]))
            if parts.scheme or parts.netloc:
                continue
            target = (Path(name).parent / unquote(parts.path)).as_posix() if parts.path else name
            target = os.path.normpath(target)
            if not (site / target).exists() or (parts.fragment and unquote(parts.fragment) not in known[target]):
                dead.append(f"{name}: {link['href']}")
    assert len(pages) > 40
    assert [] == dead


def test_every_page_can_be_reached_from_the_first(pages: dict[str, BeautifulSoup]) -> None:
    reached, new = set(), {"index.html"}
    while new:
        name = new.pop()
        reached.add(name)
        for link in pages[name].find_all("a", href=True):
            path = urlsplit(str(link["href"])).path
            target = os.path.normpath((Path(name).parent / path).as_posix()) if path else name
            if target in pages and target not in reached:
                new.add(target)
    assert set(pages) == reached


# ---------------------------------------------------------------------- complete


def test_every_command_and_option_has_its_place(pages: dict[str, BeautifulSoup]) -> None:
    said = words(pages["reference/commands.html"])
    missing = []

    def look(name: str, command: Any) -> None:
        missing.extend([] if name in said else [name])
        missing.extend(
            option for each in command.params for option in each.opts if option.startswith("--") and option not in said
        )
        for each, below in getattr(command, "commands", {}).items():
            look(f"{name} {each}", below)

    look("grader", get_command(app))
    assert [] == missing


def test_every_mistake_is_told_with_its_repair(pages: dict[str, BeautifulSoup]) -> None:
    """And found through the table of all."""
    table = {str(link["href"]): link.get_text() for link in pages["reference/mistakes.html"].find_all("a", href=True)}
    for mistake in mistakes().values():
        family = type(mistake).__module__.rpartition(".")[2]
        assert mistake.id == table[f"mistakes/{family}.html#{mistake.id}"]
        page = pages[f"reference/mistakes/{family}.html"]
        heading = page.find(id=mistake.id)
        assert isinstance(heading, Tag)
        section = []
        for each in heading.find_next_siblings():
            if each.name == "h2":
                break
            section.append(each)
        text = " ".join(" ".join(each.get_text(" ") for each in section).split())
        assert " ".join(mistake.message.split()).replace("`", "")[:40] in text.replace("`", "")
        code = "".join(each.get_text() for part in section for each in part.find_all("code"))
        assert re.search("^[-+]", code, re.MULTILINE) or ("Wrong:" in text and "Right:" in text), mistake.id


def test_a_repair_leads_from_broken_to_right() -> None:
    for mistake in mistakes().values():
        broken = mistake.broken[0].strip("\n")
        right = min(catalogue._bases(), key=lambda base: catalogue._distance(broken, base))
        lines = catalogue.repair(broken, right).splitlines()
        removed, added = ([line[1:] for line in lines if line[:1] == sign] for sign in "-+")
        assert removed or added, mistake.id
        assert set(removed) <= set(broken.splitlines())
        assert set(added) <= set(right.splitlines())
        assert len(right.splitlines()) == len(broken.splitlines()) - len(removed) + len(added)


def test_every_key_of_an_assignment_has_its_place(pages: dict[str, BeautifulSoup]) -> None:
    keys = Assignment.model_json_schema(by_alias=True)
    found = {code.get_text() for code in pages["reference/keys.html"].select("td:first-child code")}
    for name, model in [("Assignment", keys), *keys["$defs"].items()]:
        assert set(model["properties"]) - ({"folder"} if name == "Assignment" else set()) <= found
        assert name.lower() in anchors(pages["reference/keys.html"])


def test_every_field_of_the_results_has_its_place(pages: dict[str, BeautifulSoup]) -> None:
    found = {code.get_text() for code in pages["reference/results.html"].select("td:first-child code")}
    declared = {field for model in [schema(), *schema()["$defs"].values()] for field in model.get("properties", {})}
    assert declared == found


def test_every_format_has_its_place(pages: dict[str, BeautifulSoup]) -> None:
    assert set(formats()) <= anchors(pages["reference/formats.html"])


def test_the_picture_is_that_of_the_contract(pages: dict[str, BeautifulSoup]) -> None:
    """Every file and folder once, in its layer, none drawn over another, all within the picture."""
    names = [name for layer in layers.layers() for name in layer]
    picture = ElementTree.fromstring(layers.picture())[0]
    assert names == [text.text for text in picture.iter("text") if "class" not in text.attrib]
    boxes = [
        tuple(float(each.attrib[key]) for key in ("x", "y", "width", "height"))
        for each in picture.iter("rect")
        if each.attrib["class"] != "layer"
    ]
    assert len(names) == len(boxes)
    for number, (x, y, width, height) in enumerate(boxes):
        assert 0 < x < x + width < 480
        for x2, y2, width2, height2 in boxes[:number]:
            assert x + width <= x2 or x2 + width2 <= x or y + height <= y2 or y2 + height2 <= y
    there = {
        path.stem for path in (ROOT / "grader").iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert there - {"__init__"} == set(names)
    shown = pages["design.html"].select_one("svg.layers")
    assert shown is not None
    assert [*names, "imports run this way"] == [each.get_text() for each in shown.find_all("text")]


# ---------------------------------------------------------------------- links


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see [this](../SECURITY.md#x) and [that](cli.md)", "see [this](security.md#x) and [that](cli.md)"),
        ("[the `test`](../tests/test_site.py)", "the `test`"),
        ("[nowhere](../nowhere.md)", "[nowhere](../nowhere.md)"),  # for the strict build to find
        ("[out](https://example.org/a)", "[out](https://example.org/a)"),
        ("`layers[0](../tests)` stays", "`layers[0](../tests)` stays"),
        ("```python\nblocks[0](../tests)\n```\n[x](../tests)", "```python\nblocks[0](../tests)\n```\nx"),
    ],
)
def test_links_out_of_the_docs_lead_to_pages_or_are_words(text: str, expected: str) -> None:
    assert expected == links.relocated(text, "docs/page.md", "page.md")
    assert "[a](cli.md) ![b](report.png)" == links.relocated(
        "[a](docs/cli.md) ![b](docs/report.png)", "README.md", "at.md"
    )
