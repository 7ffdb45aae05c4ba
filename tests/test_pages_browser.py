"""The pages in a real browser: accessible in light and dark, on a phone and on a desk, by keyboard, and on paper.

Skipped, with the reason, where there is no Chromium.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from browser import opened, start, violations
from test_formats_samples import OPERATION_RAISED, RUN, SAMPLES
from test_notebook_card import made
from test_pictures import MULTIPLIED, pictures, with_pictures

from grader.formats.html import Html
from grader.notebook.card import Card

pytestmark = pytest.mark.heavy

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PAGES = {
    "feedback": "students/grace.html",
    "all right": "students/ada.html",
    "unreadable": "students/margaret.html",
    "notebook": "notebooks/grace.html",
    "class": "index.html",
}
SCHEMES = ("light", "dark")
WIDTHS = (390, 1280)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with start() as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a small class, as the format writes them."""
    output = tmp_path_factory.mktemp("pages")
    reports = [sample() for sample in SAMPLES.values()]
    drawn = with_pictures(pictures(MULTIPLIED)).exercises[0].pictures
    for report, _ in reports:
        if report.student == "grace":  # the page called "feedback" below has pictures, too
            report.exercises[0] = report.exercises[0].model_copy(update={"pictures": drawn})
    for report, submission in reports:
        Html().write_student(output, RUN, report, submission)
    Html().write_class(output, RUN, sorted((report for report, _ in reports), key=lambda report: report.student))
    return output


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing(browser: Browser, folder: Path, name: str, scheme: Any, width: int) -> None:
    """WCAG 2.2 AA, as far as a machine can tell: with everything folded, and with everything open."""
    with opened(browser, folder / PAGES[name], width=width, color_scheme=scheme) as page:
        assert [] == violations(page)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert [] == violations(page)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_on_cards_in_a_notebook(browser: Browser, tmp_path: Path, scheme: Any) -> None:
    """Several cards stand in one notebook, some with the same title; its page is white, or JupyterLab's dark one."""
    colours = "background: light-dark(#fff, #111); color: light-dark(#000, #ddd)"
    cards = "".join(f"<section>{each._repr_html_()}</section>" for each in (made(), made(), Card.refusal("No.")))
    (tmp_path / "notebook.html").write_text(
        f"<!DOCTYPE html><html lang=en style='color-scheme: light dark'><meta charset=utf-8><title>x</title>"
        f"<body style='{colours}'><main><h1>x</h1>{cards}</main>"
    )
    with opened(browser, tmp_path / "notebook.html", color_scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert [] == violations(page)


def test_axe_finds_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    """The measure can fail: a picture without words, and grey on grey."""
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<html lang=en><title>x</title><main><h1>x</h1><img src='data:,'><p style='color:#aaa'>grey words</p></main>"
    )
    with opened(browser, bad) as page:
        assert {"image-alt", "color-contrast"} == {each.partition(":")[0] for each in violations(page)}


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_a_narrow_screen(browser: Browser, folder: Path, name: str) -> None:
    """Reflow: at 320 px one scrolls down, never sideways; wide code and tables scroll within themselves."""
    with opened(browser, folder / PAGES[name], width=320) as page:
        assert 320 == page.evaluate("document.documentElement.scrollWidth")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_keyboard_reaches_every_control_and_shows_where_it_is(
    browser: Browser, folder: Path, name: str, scheme: Any
) -> None:
    """Focus has an outline that is seen, in the order of the page."""
    with opened(browser, folder / PAGES[name], color_scheme=scheme) as page:
        wanted = page.evaluate(CONTROLS)
        focused = []
        for _ in range(wanted):
            page.keyboard.press("Tab")
            focused.append(page.evaluate(FOCUSED))
        assert wanted == len({number for number, _, _ in focused})
        assert sorted(focused) == focused
        for _, outline, seen in focused:
            assert seen
            assert re.fullmatch(r"solid [2-9]px", outline), outline


CONTROLS = """[...document.querySelectorAll('a[href], summary, [tabindex="0"]')]
    .filter(each => each.checkVisibility()).length"""
FOCUSED = """(() => {
    const here = document.activeElement, style = getComputedStyle(here), box = here.getBoundingClientRect();
    const all = [...document.querySelectorAll('*')];
    const seen = box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    return [all.indexOf(here), `${style.outlineStyle} ${style.outlineWidth}`, seen];
})()"""


def test_a_hint_opens_by_keyboard_and_without_script(browser: Browser, folder: Path) -> None:
    """The ladder is the browser's own: folded at first, and Enter unfolds one hint."""
    with opened(browser, folder / PAGES["feedback"], java_script_enabled=False) as page:
        hint = page.locator("details.rung").first
        assert not hint.locator("p").is_visible()
        hint.locator("summary").focus()
        page.keyboard.press("Enter")
        assert hint.locator("p").is_visible()
        assert not page.locator("details.rung").nth(1).locator("p").is_visible()
        assert page.get_by_role("heading", name="What to fix first").is_visible()


@pytest.mark.parametrize("name", PAGES)
def test_in_forced_colours_nothing_is_lost(browser: Browser, folder: Path, name: str) -> None:
    """Where the system paints everything in its own few colours, what is marked is marked by lines."""
    with opened(browser, folder / PAGES[name], forced_colors="active") as page:
        assert [] == violations(page)
        for selector in (".lines .meant", ".sign", ".meter"):
            for element in page.locator(selector).all():
                borders = element.evaluate(
                    "e => getComputedStyle(e).borderLeftStyle + getComputedStyle(e).outlineStyle"
                )
                assert "nonenone" != borders, selector


def _printed(page: Page) -> tuple[int, str]:
    """Sheets, and all that stands on them without its spaces: lines break where the paper ends."""
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(page.pdf(format="A4")))
    text = unicodedata.normalize("NFKC", "".join(sheet.extract_text() for sheet in reader.pages))  # no ligatures
    return len(reader.pages), "".join(text.split())


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_all_that_is_read_is_printed(browser: Browser, folder: Path, name: str, scheme: Any) -> None:
    """Every line of code to its end, and what is folded on the screen is open on paper.

    But for the page of the class: what is folded there is for looking things up.
    """
    with opened(browser, folder / PAGES[name], color_scheme=scheme) as page:
        sheets, text = _printed(page)
        wanted = page.evaluate(
            "[...document.querySelectorAll('h1, h2, h3, h4, .lines code > span, details p, details li, .why')]"
            ".filter(e => !e.closest('.hidden, .class details')).map(e => e.textContent)"
        )
    assert sheets > 0
    lost = [each for each in wanted if "".join(unicodedata.normalize("NFKC", each).split()) not in text]
    assert [] == lost


def test_drawings_are_printed_whole(browser: Browser, folder: Path) -> None:
    """Every line and every word that is drawn on the screen."""
    with opened(browser, folder / PAGES["feedback"]) as page:
        page.emulate_media(media="print")
        drawn = page.locator(".drawn path.skip, .drawn rect, .drawn text").all()
        assert drawn
        lost = [each for each in drawn if not each.evaluate("e => e.checkVisibility()")]
        assert [] == [each.evaluate("e => e.outerHTML") for each in lost]


def test_the_feedback_on_paper_holds_the_hints(browser: Browser, folder: Path) -> None:
    """Paper has nothing to click on."""
    with opened(browser, folder / PAGES["feedback"]) as page:
        _, text = _printed(page)
    for hint in OPERATION_RAISED.hints:
        assert "".join(hint.replace("`", "").split()) in text
