"""What a student reads, in German: pages, pictures, cards, comments, test reports, the terminal.

Nothing is left in English but what is not the grader's to translate: code, numbers, ids, and what instructors and
students wrote.
"""

from __future__ import annotations

import dataclasses
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from babel.messages.pofile import read_po
from browser import opened, start, violations
from bs4 import BeautifulSoup, NavigableString, Tag
from judging import examine_source, find_exercise, judge_all, residual_blocks, right_answers
from nbformat.v4 import new_code_cell, new_notebook
from pydantic import BaseModel
from test_formats_samples import ASSIGNMENT, RUN, SAMPLES, failing, hostile, report, right
from test_pages_hostile import faults
from test_pictures import (
    BLOCK,
    IN_A_LIST,
    NETWORK,
    NO_SHORTCUT,
    SIDE_WITHOUT_STRIDE,
    UNPADDED,
    check_page,
    with_pictures,
)

from grader.assignment import ModuleExercise
from grader.batch import Request, Tally
from grader.checks import checks
from grader.formats import _plain
from grader.formats._annotations import Annotations
from grader.formats._digest import Digest
from grader.formats._feedback import feedback_page
from grader.formats._inline import inline
from grader.formats._notebook import notebook_page
from grader.formats.gradescope import results as gradescope
from grader.formats.html import Html
from grader.formats.junit import JUnit
from grader.formats.moodle import feedback as moodle
from grader.formats.prairielearn import results as prairielearn
from grader.illustrate import illustrate
from grader.language import LOCALE, speaking
from grader.mistakes import mistakes
from grader.notebook.card import Card
from grader.pictures import BlockPicture, Difference, Flow, Pictures, Step
from grader.row import row_of
from grader.submission import Cell, Submission
from grader.terminal import Terminal
from grader.verdict import ExerciseReport, Report
from grader.watch import changes

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HONEST = [name for name in SAMPLES if name not in ("hostile", "commanding")]
WORD = re.compile(r"[^\W\d_]{2,}")
NAMES = "ReLU relu sigmoid In"  # of activations, and "In Zelle 2"
SPOKEN = ("aria-label", "alt", "title")  # attributes that are read out


def said_in(markup: str) -> set[str]:
    """What is read of a page, piece by piece, without code and without names."""
    page = BeautifulSoup(markup, "html.parser")
    for element in page(["style", "code", "pre", "bdi"]):
        element.decompose()
    found = [" ".join(str(text).split()) for text in page.find_all(string=True) if type(text) is NavigableString]
    found += [str(element[name]) for name in SPOKEN for element in page.find_all(attrs={name: True})]
    return {text for text in found if WORD.search(text)}


def strings(value: object) -> Iterator[str]:
    """All strings of some data, in whole and sentence by sentence, code apart from what is said of it."""
    if isinstance(value, str):
        yield from {value, *re.split(r"(?<=[.:]) ", value), *value.split("`")}
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from strings(key)
            yield from strings(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from strings(each)
    elif isinstance(value, BaseModel):
        yield from strings(dict(value))  # what is excluded from results.json, too


def written_by_others(*data: object) -> str:
    """What instructors and students wrote, and what stands in reports, which is said before they are shown."""
    return "\n".join(" ".join(text.split()) for each in data for text in strings(each))


def in_both(english: set[str], german: set[str], others: str) -> list[str]:
    """What both languages say, piece by piece, calls apart, and others have not written."""
    return sorted(
        text
        for text in english & german
        for piece in re.split(r"[,:] ", re.sub(r"\w+\([\d, ]*\)", "", text))
        if WORD.search(piece) and piece.strip(": ,.") not in others
    )


@pytest.mark.parametrize("name", HONEST)
def test_a_german_page_says_nothing_in_english(name: str) -> None:
    """Feedback and notebook: what both languages share was written by others, or is a number."""
    report, submission = SAMPLES[name]()
    pages = {}
    for language in ("en", "de"):
        with speaking(language):
            pages[language] = feedback_page(RUN, report, submission)
            pages[language] += notebook_page(RUN, report, submission) if submission else ""
        assert f'<html lang="{language}">' in pages[language]
    title = f"{report.student}: {ASSIGNMENT.title}"
    others = written_by_others(report, ASSIGNMENT, title, RUN.device, NAMES, submission.notebook if submission else "")
    english, german = said_in(pages["en"]), said_in(pages["de"])
    assert [] == in_both(english, german, others)
    assert len(english - german) > 10 < len(german - english)


def graded(source: str, language: str) -> str:
    """The page of a notebook of one cell, judged and drawn for real."""
    with speaking(language):
        judged = judge_all(source, draw=True)
        assert judged
        cells = [Cell(1, "code", source)]
        handed_in = Submission("ada", "ada.ipynb", cells, new_notebook(cells=[new_code_cell(source)]), [], [], None)
        made = report("ada", list(judged.values()))
        run = dataclasses.replace(RUN, assignment=residual_blocks())
        return feedback_page(run, made, handed_in) + notebook_page(run, made, handed_in)


LAYERS = "bn1 bn2 conv1 conv2 shortcut shortcut.0 shortcut.1 side.0 side.1"  # of the reference, and of a Sequential


@pytest.mark.parametrize("source", [f"{BLOCK}\n{NETWORK}", f"{SIDE_WITHOUT_STRIDE}\n{NETWORK}", NO_SHORTCUT])
def test_a_page_from_a_real_grading_says_nothing_in_english(source: str) -> None:
    """Of a right notebook and of wrong ones, with all pictures that there are of them."""
    english, german = graded(source, "en"), graded(source, "de")
    assert 1 <= german.count("<figure") == english.count("<figure")
    others = written_by_others(source, residual_blocks(), "ada.ipynb cpu", NAMES, LAYERS, list(mistakes()))
    assert [] == in_both(said_in(english), said_in(german), others)


def drawn(source: str, language: str) -> tuple[Pictures, str]:
    exercise = find_exercise("resblock")[1]
    assert isinstance(exercise, ModuleExercise)
    with speaking(language):
        examined = examine_source(source, exercise, right_answers("resblock"))
        results = [checks()[name].judge(examined, points) for name, points in exercise.points.items()]
        found = illustrate(examined, results)
        assert found is not None
        return found, feedback_page(RUN, with_pictures(found), failing()[1])


@pytest.mark.parametrize("source", [BLOCK, NO_SHORTCUT, SIDE_WITHOUT_STRIDE, UNPADDED, IN_A_LIST])
def test_german_pictures_say_nothing_in_english_and_their_words_fit(source: str) -> None:
    """Captions, legends, tables, and all that stands in the drawings: no word is cut off there that is not in English.

    One after the other in one process: what is kept of a reference is kept for one language.
    """
    english, german = drawn(source, "en"), drawn(source, "de")
    layers = [step.layer for flow in flows(english[0]) for step in flow.steps]
    others = written_by_others(source, find_exercise("resblock")[0], NAMES, layers)
    figures = [
        {text for figure in BeautifulSoup(page, "html.parser")("figure") for text in said_in(str(figure))}
        for _, page in (english, german)
    ]
    assert [] == in_both(figures[0], figures[1], others)
    words = BeautifulSoup(german[1], "html.parser").select("svg text:not(.layer)")
    assert [] == [word.text for word in words if word.text.endswith("…")]
    check_page(german[1], Pictures())
    assert [step.sign for flow in flows(english[0]) for step in flow.steps] == [
        step.sign for flow in flows(german[0]) for step in flow.steps
    ]


def flows(found: Pictures) -> list[Flow]:
    each = found.block
    assert each is not None
    return [flow for flow in (each.mine, each.reference) if flow is not None]


HOSTILE = "<script>{x}</script> {0} %s %(x)s {{ x }} &lt; \u202e"


def test_what_a_student_wrote_stays_inert_inside_of_what_is_said() -> None:
    """Neither markup, nor a place for another value, whatever stands in a name."""
    with speaking("de"):
        assert [] == faults(feedback_page(RUN, *hostile()))
        assert [] == faults(notebook_page(RUN, *hostile()))
        step = Step(says=HOSTILE, kind="layer", layer=HOSTILE, detail=HOSTILE, reads=(0,), cell=1, line=1)
        flow = Flow(steps=(Step(says="input", kind="input"), step))
        picture = BlockPicture(
            case=HOSTILE, mine=flow, reference=flow, pairs=((0, 0), (1, 1)), first=Difference(mine=1)
        )
        page = feedback_page(RUN, with_pictures(Pictures(block=picture)), failing()[1])
    assert [] == faults(page)
    caption = BeautifulSoup(page, "html.parser").select("figure .said")[0].text
    shown = HOSTILE.replace("\u202e", "⟨U+202E⟩")
    assert f"Erster Unterschied: {shown} {shown} ({shown})." == caption
    titled = card("de", failing()[0].exercises[0].model_copy(update={"title": HOSTILE}))
    assert "<script" not in titled._repr_html_()
    assert (
        f"Selbstprüfung: {shown}" == BeautifulSoup(titled._repr_html_(), "html.parser").select("div")[0]["aria-label"]
    )


def plain(report: Report) -> dict[str, str]:
    """A report as every format has it that is no page."""
    annotations, digest, junit = Annotations(RUN), Digest(RUN, 60_000, len), io.StringIO()
    annotations.add(report)
    digest.add(report)
    JUnit().write(junit, RUN, [report])
    told = prairielearn(RUN, report)
    return {
        "github": "\n".join(annotations.lines()),
        "markdown": digest.text(),
        "junit": junit.getvalue(),
        "gradescope": "\n".join(f"{test['name']}\n{test['output']}" for test in gradescope(RUN, report)["tests"]),
        "prairielearn": told["message"]
        + "".join(f"\n{test['description']}\n{test['message']}" for test in told["tests"]),
        "moodle": moodle(RUN, report).replace("• ", "\n"),
        "summary": _plain.summary(dataclasses.replace(RUN, isolation="landlock"), report),
    }


ENGLISH = re.compile(
    r"\b(points?|pending|human|cell|line|what to do|seen|note|cause|proven|measured|hint|fix|passed|failed|"
    r"open|marked|neither|lost|without|your code)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("name", HONEST)
def test_formats_that_are_no_pages_speak_german(name: str) -> None:
    """Each says the same as in English, with none of the words that English has for it."""
    report = SAMPLES[name]()[0]
    english = plain(report)
    with speaking("de"):
        german = plain(report)
    others = sorted(strings(report), key=len, reverse=True)
    for form, text in german.items():
        rest = re.sub(r"<[^>]*>", "", text) if form in ("junit", "markdown") else text
        rest = re.sub(r"::(error|warning|notice)[^:]*::", "", rest) if form == "github" else rest
        for other in others:
            if len(other) > 3:
                rest = rest.replace(other, "").replace(inline(other), "").replace(" ".join(other.split()), "")
        assert [] == ENGLISH.findall(rest), (form, rest)
        assert english[form] != text or not ENGLISH.search(english[form]), form
    statuses = [re.findall('type="([^"]*)"', each["junit"]) for each in (english, german)]
    assert statuses[0] == statuses[1]


def test_german_words_stay_words_in_a_comment() -> None:
    """Quotes and hyphens of German are no reason to make code of them."""
    text = "Die „3×3-Faltung“ und ‚Skip-Verbindung‘ (1×1-Faltung)."
    assert text == inline(text)


def card(language: str, of: ExerciseReport | None = None) -> Card:
    """Of a block that is not right, as one of an assignment in that language."""
    report, submission = failing()
    assignment = residual_blocks().model_copy(update={"language": language})
    assert submission is not None
    with speaking(language):
        return Card.of(of or report.exercises[0], assignment, submission, "ResBlock", 2, "")


def test_a_card_speaks_its_language_whenever_it_is_rendered() -> None:
    """Notebooks render it after the check, when nothing speaks the assignment's language any more."""
    english, german = card("en"), card("de")
    others = written_by_others(failing()[0], "In [2]")
    assert [] == in_both(said_in(english._repr_html_()), said_in(german._repr_html_()), others)
    assert 'lang="de"' in german._repr_html_()
    assert "In [2], Zeile 21" in str(german)
    assert "Das ist eine Selbstprüfung: Sie gibt nichts ab." in str(german)
    assert "nicht bestanden" in german._repr_html_()


def test_a_refusal_is_in_the_language_of_the_assignment_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before it is known which exercise is meant, and for the magic's own line."""
    from IPython.core.error import UsageError
    from IPython.core.interactiveshell import InteractiveShell

    from grader import check, load_ipython_extension

    home = _german(tmp_path)
    assert "Hier gibt es nichts zu prüfen (int)" in str(check(3, assignment=str(home)))
    assert "There is nothing to check in this int" in str(check(3))
    assert "Meintest du ResBlock?" in str(check("ResBlok", assignment=str(home)))
    monkeypatch.setattr("grader.notebook.language.this_notebook", lambda: _Named(str(home)))
    shell = InteractiveShell.instance()
    try:
        load_ipython_extension(shell)
        with pytest.raises(UsageError, match="diese Angaben fehlen: exercise"):
            shell.run_line_magic("check", "")
        with pytest.raises(UsageError, match="unbekannte Angaben: --colour"):
            shell.run_line_magic("check", "resblock --colour")
        monkeypatch.setattr("grader.notebook.language.this_notebook", lambda: _Named(None))
        with pytest.raises(UsageError, match="the following arguments are required: exercise"):
            shell.run_line_magic("check", "")
    finally:
        InteractiveShell.clear_instance()


def test_a_live_check_is_judged_and_shown_in_the_language_of_its_assignment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block that is not right, checked as a student does; the card is read later, when nothing speaks German.

    Which language it is may only be known once the assignment is chosen.
    """
    from grader import check

    monkeypatch.setattr("grader.notebook.checking.language_here", lambda _: "en")
    defined: dict[str, type] = {}
    exec(SIDE_WITHOUT_STRIDE, defined)
    english = check(defined["ResBlock"], "resblock", "residual-blocks")
    german = check(defined["ResBlock"], "resblock", str(_german(tmp_path)))
    others = written_by_others(SIDE_WITHOUT_STRIDE, residual_blocks(), NAMES, list(mistakes()))
    assert [] == in_both(said_in(english._repr_html_()), said_in(german._repr_html_()), others)
    assert [] == in_both(set(str(english).split("\n")), set(str(german).split("\n")), others)
    assert (english.correct, german.correct) == (False, False)


class _Named:
    """A notebook whose metadata name an assignment."""

    def __init__(self, assignment: str | None) -> None:
        self.executed = type("", (), {"assignment_id": assignment})


def _german(folder: Path) -> Path:
    """The shipped assignment, in German."""
    text = (residual_blocks().folder / "assignment.toml").read_text("utf-8")
    home = folder / "uebung"
    home.mkdir()
    (home / "assignment.toml").write_text(f'language = "de"\n{text}', "utf-8")
    return home


REQUEST = Request([], None, None, ("json",), 1, "cpu", 0, "none", {}, None)


def test_the_terminal_shows_one_notebook_in_its_language_and_a_class_in_english(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = failing()[0].model_copy(update={"repairs": [], "warnings": []})
    with speaking("de"):
        Terminal()._print_notebook(report)
        said = capsys.readouterr().err
        better = report.model_copy(update={"score": 40.0})
        assert ["Punkte: 35 -> 40"] == list(changes(report, better))
        assert ["Seit der letzten Prüfung hat sich nichts geändert."] == list(changes(report, report))
        Terminal().end(REQUEST, Tally(2, None, finished=2), [row_of(report)], None)
    of_class = capsys.readouterr().err
    assert "First thing to fix" in of_class
    assert "✓ Graded" in of_class
    assert "[shortcut-multiplied, nachgestellt, Zelle 2, Zeile 21]" in " ".join(said.split())
    assert "noch offen" in said
    assert not re.search(r"\b(pending|cell|line|replayed)\b", said)


def test_the_class_page_is_english_and_marks_what_is_not(tmp_path: Path) -> None:
    """An instructor reads it; what students were told, and what is to be told to them, is marked as German."""
    reports = [failing()[0].model_copy(update={"student": name}) for name in ("ada", "grace")]
    with speaking("de"):
        Html().write_class(tmp_path, RUN, reports)
    page = BeautifulSoup((tmp_path / "index.html").read_text("utf-8"), "html.parser")
    html = page.html
    assert isinstance(html, Tag)
    assert "en" == html["lang"]
    assert {"de"} == {str(element["lang"]) for element in page.select(".copy, .said")}
    assert "So siehst du es selbst" in page.select(".copy")[0].text
    for element in page.select("[lang=de]"):
        element.decompose()
    assert not re.search("noch offen|Bestanden|Zelle|Bewertet", page.text)


def test_no_german_sentence_has_a_full_stop_in_its_middle() -> None:
    """A heading ends at the first one, and comments for a class are made of sentences: no “z. B.”, no “d. h.”."""
    with (LOCALE / "de" / "LC_MESSAGES" / "grader.po").open("rb") as file:
        catalogue = read_po(file, "de")
    said = [message.string for message in catalogue if isinstance(message.string, str) and message.id]
    said += [each for message in catalogue if not isinstance(message.string, str) for each in message.string]
    assert [] == [text for text in said if re.search(r"\b(z\. ?B|d\. ?h|u\. ?a|bzw|usw|ca|evtl|ggf|vgl|Nr)\.", text)]


# ------------------------------------------------------------------ in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with start() as browser:
        yield browser


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("seiten")
    with speaking("de"):
        for report, submission in (right(), failing()):
            Html().write_student(output, RUN, report, submission)
        Html().write_class(output, RUN, [right()[0], failing()[0]])
    (output / "students" / "drawn.html").write_text(drawn(SIDE_WITHOUT_STRIDE, "de")[1], "utf-8")
    return output


PAGES = ["students/ada.html", "students/grace.html", "students/drawn.html", "notebooks/grace.html", "index.html"]


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_on_german_pages_and_they_fit_a_phone(browser: Browser, folder: Path, name: str) -> None:
    """German words are longer: nothing is wider than the screen for that."""
    with opened(browser, folder / name, width=390) as page:
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert [] == violations(page)
        page.set_viewport_size({"width": 320, "height": 900})
        assert 320 == page.evaluate("document.documentElement.scrollWidth")


def test_statuses_and_ids_stay_data() -> None:
    """`results.json` has the same keys, ids and statuses in every language."""
    from grader.formats.json import document

    report = failing()[0]
    with speaking("de"):
        german = json.dumps(document(report))
    assert json.dumps(document(report)) == german
