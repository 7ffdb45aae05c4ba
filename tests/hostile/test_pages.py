"""What a student writes acts nowhere: on no page, in no terminal, in no log that a CI runner reads, in no spreadsheet.

The attacks are the notebooks in `pages/`, each with its claim in its first cell. All are graded by the real command,
some under names and in folders that are attacks themselves.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Comment, Tag
from bs4.element import CData, Declaration, ProcessingInstruction
from test_pages_hostile import ATTRIBUTES, TAGS, is_drawing_of_ours

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).parents[2]
GRADER = [sys.executable, "-m", "grader"]
PAGES = sorted((Path(__file__).parent / "pages").glob("*.ipynb"))
STYLE = (ROOT / "grader" / "formats" / "templates" / "style.css.j2").read_text().strip()

# Where they are handed in: names of files, and of folders, that act where they are shown.
NAMES = {
    "essay": "<img src=x onerror=alert(1)>.ipynb",
    "metadata": "\n::error::named\u202e.ipynb",
    "printed": "::add-mask::x ##[error]y/a.ipynb",
    "outputs-text": "\x1b[2J\x1b]0;x\x07\x9b31m.ipynb",
    "attachments": "=cmd|' -C calc'!A0/@SUM(1).ipynb",
    "markdown-links": "javascript:alert(1)/\"' onerror=x '\".ipynb",
    "result-type": "\u2028::error::x\u2029/{{ 7*7 }}.ipynb",
    "syntax-error": "+1-1\t.ipynb",
}
ACTS_IN_A_TERMINAL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
# GitHub trims a line before it looks for `::`, and looks for `##[` anywhere in it.
COMMAND = re.compile(r"^\s*::|##\w*\[", re.MULTILINE)


@dataclass(frozen=True)
class Finished:
    """One run of the command, as a pipe sees it."""

    stdout: str
    stderr: str
    output: Path

    @property
    def pages(self) -> list[Path]:
        return sorted(self.output.rglob("*.html"))


def check(*paths: Path, output: Path | str, cwd: Path) -> Finished:
    run = subprocess.run(
        [*GRADER, "check", *paths, "--assignment", "residual-blocks", "--output", output, "--jobs", "1"],
        capture_output=True,
        timeout=240,
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "GITHUB_ACTIONS": "true", "CI": "true", "COLUMNS": "80"},
    )
    assert run.returncode in (0, 1), run.stderr.decode()
    return Finished(run.stdout.decode(), run.stderr.decode(), Path(output))


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """All of them as a class."""
    folder = tmp_path_factory.mktemp("class")
    for page in PAGES:
        target = folder / NAMES.get(page.stem, page.name)
        target.parent.mkdir(exist_ok=True)
        shutil.copy(page, target)
    return check(folder, output=tmp_path_factory.mktemp("reports"), cwd=folder)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_attack_says_what_it_claims(path: Path) -> None:
    """Its first cell is a title and one line."""
    first = json.loads(path.read_text())["cells"][0]
    assert first["cell_type"] == "markdown"
    assert re.fullmatch(r"# .+\n\nClaim: .+\n", "".join(first["source"]))
    assert path.stat().st_size < 40_000


# ---------------------------------------------------------------------- pages


def faults(page: str) -> list[str]:
    """Every element, attribute, address or style that is not ours."""
    soup = BeautifulSoup(page, "html.parser")
    found = [f"{type(each).__name__} {each}" for each in soup.find_all(string=True) if isinstance(each, _NO_TEXT)]
    styles = [each.get_text().strip() for each in soup.find_all("style")]
    found += ["a style that is not ours"] * (styles != [STYLE])
    found += [f"{len(soup.find_all(name))} {name}" for name in ("html", "head", "body", "title", "main")
              if len(soup.find_all(name)) != 1]  # fmt: skip
    for element in soup.find_all(True):
        found += _faults_of(element)
    ids = [element["id"] for element in soup.find_all(id=True)]
    found += [f"id {each} twice" for each in set(ids) if ids.count(each) > 1]
    return found + [f"{match[0]!r}" for match in ACTS_IN_A_TERMINAL.finditer(page)]


_NO_TEXT = (Comment, CData, Declaration, ProcessingInstruction)
_LINK = re.compile(r"#[\w-]+|(\.\./)?(students|notebooks)/[\w%.-]+\.html(#[\w-]+)?|https?://.+|mailto:.+")
_FOREIGN = {"class", "id", "style", "role", "tabindex", "name"}  # with ours, a student could paint a verdict


def _faults_of(element: Tag) -> list[str]:
    ours = element.name in TAGS and is_drawing_of_ours(element.name, element.attrs)
    found = [] if ours else [f"<{element.name}>"]
    for name, value in element.attrs.items():
        text = " ".join(value) if isinstance(value, list) else str(value)
        if name not in ATTRIBUTES | {"colspan", "rowspan", "start"}:
            found.append(f"{element.name} {name}={text}")
        if name == "href" and not _LINK.fullmatch(text):
            found.append(f"href={text}")
        if name == "href" and text.startswith("http") and "noopener" not in element.get("rel", []):
            found.append(f"a link without rel: {text}")
        if name == "src" and not re.fullmatch(r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=]+", text):
            found.append(f"src={text}")
        if name == "style" and not re.fullmatch(r"width: [\d.]+%", text):
            found.append(f"style={text}")
        if name in ("http-equiv", "name", "content") and element.name != "meta":
            found.append(f"{element.name} {name}={text}")
        if name in _FOREIGN and element.find_parent(class_="rendered"):
            found.append(f"in what is the student's: {name}={text}")
    if element.name == "meta" and element.parent is not None and element.parent.name != "head":
        found.append("meta outside of the head")
    return found


def test_nothing_acts_on_a_page(graded: Finished) -> None:
    """The class, every student's feedback, every notebook."""
    assert len(graded.pages) == 1 + 2 * len(PAGES)
    wrong = {path.name: faults(path.read_text()) for path in graded.pages}
    assert {name: found for name, found in wrong.items() if found} == {}


PLANTED = """
<script>x</script> | <p onclick=x> | <img src=http://attacker.example/> | <img src='data:image/svg+xml,x'>
| <a href='javascript:x'> | <a href='data:text/html,x'> | <a href='//attacker.example'> | <a href='http://a'>
| <base href=x> | <meta http-equiv=refresh content=0> | <iframe></iframe> | <form></form> | <style>x</style>
| <p style='color: red'> | <!-- x --> | <?php x ?> | <![CDATA[x]]> | <title>x</title> | <p id=main> | \x1b
| \u202e | <link rel=stylesheet href=x> | <svg></svg> | <input>
"""


@pytest.mark.parametrize("planted", [each.strip(" \n") for each in PLANTED.split("|")])
def test_the_test_sees_what_acts(graded: Finished, planted: str) -> None:
    """The fault, planted, in a page that has none."""
    page = (graded.output / "index.html").read_text()
    assert faults(page) == []
    assert faults(page.replace("</main>", f"{planted}</main>")) != []


def test_the_words_are_still_there(graded: Finished) -> None:
    """Inert does not mean lost: who marks the essay reads what was written."""
    page = next(path for path in (graded.output / "students").iterdir() if "img" in path.name).read_text()
    answer = BeautifulSoup(page, "html.parser").find(class_="answer")
    assert answer is not None
    assert "Because gradients flow." in answer.get_text()
    assert "⟨U+202E⟩⟨U+2066⟩reversed" in answer.get_text()
    assert "=cmd|' /C calc'!A0" in answer.get_text()


# ---------------------------------------------------------------------- data, terminals, logs, spreadsheets


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def test_results_are_inert(graded: Finished) -> None:
    """No control character stands in the file as such, and no line of it is a command; the values are unchanged."""
    text = (graded.output / "results.json").read_text()
    assert not ACTS_IN_A_TERMINAL.search(text)
    assert not COMMAND.search(text)
    found = list(strings(json.loads(text)))
    assert any("\x1b[31m" in each and "\n::error::x" in each and "\u202e" in each for each in found)


def test_names_of_students_are_inert(graded: Finished) -> None:
    """They name files and stand in tables: no cell of a spreadsheet that begins with one is a formula."""
    students = [each["student"] for each in json.loads((graded.output / "results.json").read_text())["submissions"]]
    assert len(students) == len(PAGES)
    assert [each for each in students if not re.fullmatch(r"\w[\w.-]*", each)] == []


def test_the_class_in_a_terminal_is_inert(graded: Finished) -> None:
    """What a pipe gets, which in CI is the log."""
    assert "graded" in graded.stderr
    assert graded.stdout == ""
    assert not ACTS_IN_A_TERMINAL.search(graded.stderr)
    assert not COMMAND.search(graded.stderr)


SLOW = [pytest.param(f"exception-{how}", marks=pytest.mark.slow) for how in ("folded", "long-word")]


@pytest.mark.parametrize("name", ["exception-text", *SLOW])
def test_one_notebook_in_a_terminal_is_inert(name: str, tmp_path: Path) -> None:
    """One notebook is shown in full: its messages are folded, and no fold begins with a command."""
    (tmp_path / "::error::me").mkdir()
    shutil.copy(Path(__file__).parent / "pages" / f"{name}.ipynb", tmp_path / "::error::me" / "::notice::me.ipynb")
    shown = check(tmp_path / "::error::me" / "::notice::me.ipynb", output="reports", cwd=tmp_path).stderr
    assert "notice" in shown
    assert not ACTS_IN_A_TERMINAL.search(shown)
    assert not COMMAND.search(shown)


def test_json_in_a_terminal_is_inert(tmp_path: Path) -> None:
    """`--output -` prints what a student wrote into whatever reads standard output."""
    for name in ("exception-text", "defining-raises"):
        shutil.copy(Path(__file__).parent / "pages" / f"{name}.ipynb", tmp_path / f"::error::{name}.ipynb")
    printed = check(tmp_path, output="-", cwd=tmp_path)
    assert len(json.loads(printed.stdout)["submissions"]) == 2
    assert not ACTS_IN_A_TERMINAL.search(printed.stdout + printed.stderr)
    assert not COMMAND.search(printed.stdout + printed.stderr)


@pytest.mark.parametrize(
    "name", ["\n::error::x\x1b[2J\u202e.ipynb", "::add-mask::x.ipynb", "a\x85::error::x##[error]y.txt"]
)
@pytest.mark.parametrize("there", [True, False])
def test_messages_are_inert(name: str, there: bool, tmp_path: Path) -> None:
    """A message about a path quotes its name; a second line of it begins with a file's."""
    if there:
        (tmp_path / name).write_text("::error::")
    run = subprocess.run(
        [*GRADER, "check", name],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr
    assert not ACTS_IN_A_TERMINAL.search(run.stderr)
    assert not COMMAND.search(run.stderr)


# ---------------------------------------------------------------------- a real browser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CONTROL = """<!DOCTYPE html><img src="http://attacker.example/control"><script>
parent.postMessage("ran", "*")</script>"""


class _Attacker(http.server.BaseHTTPRequestHandler):
    """Whoever is asked for anything: every host name leads here."""

    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None: ...


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_nothing_runs_in_a_browser(graded: Finished, tmp_path: Path) -> None:
    """No script runs and nothing is fetched, although the pages' own policy, which forbids both, is taken away first.

    All pages stand in frames of one, and beside them one that does what must not happen.
    """
    frames = []
    for number, path in enumerate(graded.pages):
        bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", path.read_text())
        assert bare != path.read_text()
        (tmp_path / f"{number}.html").write_text(bare)
        frames.append(f'<iframe src="{number}.html"></iframe>')
    (tmp_path / "control.html").write_text(CONTROL)
    count = "let n = 0; onmessage = () => document.title = `ran ${++n}`;"
    loaded = "onload = () => document.body.dataset.loaded = document.querySelectorAll('iframe').length"
    frames.append('<iframe src="control.html"></iframe>')
    (tmp_path / "all.html").write_text(f"<script>{count}{loaded}</script><body>{''.join(frames)}")
    _Attacker.asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Attacker) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        run = subprocess.run(
            [
                str(CHROMIUM),
                *"--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run".split(),
                *"--disable-background-networking --disable-component-update --dump-dom".split(),
                f"--user-data-dir={tmp_path / 'profile'}",
                "--virtual-time-budget=4000",
                f"--host-resolver-rules=MAP attacker.example 127.0.0.1:{server.server_port}",
                (tmp_path / "all.html").as_uri(),
            ],
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        server.shutdown()
    assert f'data-loaded="{len(frames)}"' in run.stdout, run.stderr
    assert _Attacker.asked == ["/control"]
    assert "<title>ran 1</title>" in run.stdout
