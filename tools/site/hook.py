"""What MkDocs asks while it builds the site: which pages are generated, where they stand, where links lead.

Everything that makes a page is plain Python that returns Markdown; this file alone knows MkDocs.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import catalogue
import commands
import forms
import keys
import layers
import links
import results
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

# Sections in their order. A page that is in docs/ and not here is a how-to.
NAV: dict[str, list[str]] = {
    "Tutorials": ["tutorial-student.md", "tutorial-instructor.md", "tutorial-ci.md", "walk-through.md"],
    "How to": [
        "writing-assignments.md",
        "release.md",
        "class-page.md",
        "in-your-notebook.md",
        "platforms.md",
        "ci.md",
        "containers.md",
    ],
    "Reference": [
        "cli.md",
        "reference/commands.md",
        "reference/formats.md",
        "reference/mistakes.md",
        "reference/keys.md",
        "reference/results.md",
    ],
    "The project": ["at-a-glance.md", "design.md", "security.md", "changelog.md"],
}


# GitHub wants a pipe in code in a table escaped, and shows it without the backslash; MkDocs would show both.
_PIPE_IN_CODE = re.compile(r"`[^`\n]*\\\|[^`\n]*`")

TITLES = {"index.md": "Home", "at-a-glance.md": "At a glance"}  # where a page's own heading says too little


DRAWN = {"<!-- layers: picture -->": layers.picture, "<!-- layers: table -->": layers.table}


def generated() -> dict[str, str]:
    """Every page that is not in docs/."""
    pages = {
        "reference/commands.md": commands.page(),
        "reference/formats.md": forms.page(),
        "reference/keys.md": keys.page(),
        "reference/results.md": results.page(),
        **catalogue.pages(),
    }
    for source, page in links.COPIED.items():
        pages[page] = links.relocated((links.ROOT / source).read_text(encoding="utf-8"), source, page)
    return pages


Entry = str | dict[str, str]


def nav(there: set[str]) -> list[dict[str, str] | dict[str, list[Entry]]]:
    """The pages that are there, each in its section."""

    def entries(pages: list[str]) -> list[Entry]:
        return [{TITLES[page]: page} if page in TITLES else page for page in pages if page in there]

    placed = {page for pages in NAV.values() for page in pages}
    others = sorted(page for page in there if page not in placed and page != "index.md" and "/" not in page)
    sections: list[dict[str, str] | dict[str, list[Entry]]] = [{TITLES["index.md"]: "index.md"}]
    for title, pages in NAV.items():
        sections.append({title: entries(pages + (others if title == "How to" else []))})
    return sections


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Where pages stand follows from which there are."""
    docs = Path(config.docs_dir)
    by_hand = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    config.nav = nav(by_hand | set(links.COPIED.values()) | {page for page in NAV["Reference"] if "/" in page})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for page, text in generated().items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **unused: Any) -> str:
    """Mend links out of docs/, and put the picture where it belongs."""
    uri = page.file.src_uri
    if page.file.generated_by:
        return markdown
    text = _PIPE_IN_CODE.sub(lambda code: code[0].replace("\\|", "|"), links.relocated(markdown, f"docs/{uri}", uri))
    for mark, make in DRAWN.items():
        if mark in text:  # on one page: for it, every file of the grader is read
            text = text.replace(mark, make())
    return text
