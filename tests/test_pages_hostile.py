"""What a student writes never acts on a page: not as markup, not as a script, not as a request."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from html.parser import HTMLParser
from io import StringIO

import pytest
from markupsafe import Markup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from test_formats_samples import HOSTILE, PNG, RUN, SAMPLES, hostile, notebook, report, right, submission

from grader.formats import _budget
from grader.formats._budget import Budget
from grader.formats._class_page import write_class_page
from grader.formats._feedback import feedback_page
from grader.formats._highlight import highlight
from grader.formats._markup import html, image, markdown
from grader.formats._notebook import notebook_page
from grader.formats._text import clip, from_terminal, visible

# All that our own templates use, and all that is left of a student's markup.
TAGS = frozenset(
    re.findall(
        r"\w+",
        "html head meta style title body a div header h1 h2 h3 h4 h5 h6 dl dt dd bdi main section p "
        "strong span nav ul ol li article pre code table thead tbody tr th td details summary footer br em "
        "img del caption b figure figcaption svg rect circle path text",
    )
)
ATTRIBUTES = frozenset(
    re.findall(
        r"[\w-]+",
        "lang charset http-equiv content name class href id aria-labelledby aria-hidden aria-label role "
        "tabindex style scope data-score title src alt rel aria-describedby width height viewbox x y rx cx cy r d "
        "text-anchor",
    )
)
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def is_drawing_of_ours(tag: str, attributes: Mapping[str, object]) -> bool:
    """Is it no drawing, or one of ours: named, and its lines made of numbers?"""
    if tag == "svg":
        return attributes.get("role") == "img" and str(attributes.get("aria-labelledby", "")).startswith("exercise-")
    return tag != "path" or re.fullmatch(r"[\d.MHVQCvhlz -]+", str(attributes.get("d"))) is not None


class Strict(HTMLParser):
    """Collects what is wrong with a page: a tag, an attribute, a URL or a style that is not ours."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS or not is_drawing_of_ours(tag, dict(attrs)):
            self.wrong.append(f"<{tag}>")
        for name, value in attrs:
            self._attribute(tag, name, value or "")
        if tag == "a" and dict(attrs).get("href", "").startswith("http"):  # type: ignore[union-attr]
            rel = set((dict(attrs).get("rel") or "").split())
            if not {"nofollow", "noopener"} <= rel:
                self.wrong.append(f"a link without rel: {attrs}")

    def _attribute(self, tag: str, name: str, value: str) -> None:
        # A name is an id as well, to a script and to a link: ours is on <meta> alone.
        if name not in ATTRIBUTES or (name == "name" and tag != "meta"):
            self.wrong.append(f"{tag} {name}={value}")
        elif name == "style" and not re.fullmatch(r"width: [\d.]+%", value):
            self.wrong.append(f"style={value}")
        elif name == "id":
            self.ids.append(value)
        elif name == "src" and not value.startswith("data:image/png;base64,iVBOR"):
            self.wrong.append(f"src={value}")
        elif name == "href":
            self.links.append(value)
            if not re.match(r"#|\.\./(students|notebooks)/|students/|https://example\.org/$", value):
                self.wrong.append(f"href={value}")

    def handle_decl(self, decl: str) -> None:
        if decl != "DOCTYPE html":
            self.wrong.append(decl)

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"<!--{data}-->")

    handle_pi = unknown_decl = handle_comment


def faults(page: str) -> list[str]:
    parser = Strict()
    parser.feed(page)
    parser.close()
    faults = parser.wrong + [f"id {id} twice" for id in parser.ids if parser.ids.count(id) > 1]
    return faults + [f"invisible {match[0]!r}" for match in INVISIBLE.finditer(page)]


def pages(name: str) -> list[str]:
    made, handed_in = SAMPLES[name]()
    stream = StringIO()
    write_class_page(stream, RUN, [made])
    shown = [feedback_page(RUN, made, handed_in), stream.getvalue()]
    return shown if handed_in is None else [*shown, notebook_page(RUN, made, handed_in)]


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_nothing_acts(name: str) -> None:
    """No script, no handler, no foreign tag, URL, style or id; nothing invisible."""
    for page in pages(name):
        assert faults(page) == []
        assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page
        page.encode("utf-8")


@pytest.mark.parametrize(
    "planted",
    [
        "<script>1</script>",
        "<p onclick=x>",
        "<img src='https://example.org/x.png'>",
        "<a href='javascript:x'>",
        "<a href='https://example.org/'>",
        "<p id=main>",
        "<p style='color:red'>",
        "<form>",
        "<!-- x -->",
        "\u202e",
        "<base href='https://example.org/'>",
    ],
)
def test_the_test_notices_what_acts(planted: str) -> None:
    """The fault, planted: each of these is seen."""
    page = feedback_page(RUN, *right())
    assert faults(page.replace("</main>", planted + "</main>")) != []


def test_the_students_words_can_still_be_read() -> None:
    """Inert does not mean lost: the hostile line stands on the page as text, in every field."""
    made, handed_in = hostile()
    page = feedback_page(RUN, made, handed_in)
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;") > 30
    assert "{{ 7*7 }}" in page  # a template that is a value is not a template
    assert "⟨U+202E⟩gnp.exe⟨U+200B⟩" in page


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("**bold** `x < 1`", "<p><strong>bold</strong> <code>x &lt; 1</code></p>"),
        ("# One\n## Two", "<h3>One</h3>\n<h4>Two</h4>"),
        ("## Two\n#### Four\n# One", "<h3>Two</h3>\n<h4>Four</h4>\n<h3>One</h3>"),
        ("$a_1 + b_1$", "<p><code>a_1 + b_1</code></p>"),
        (
            "[a](https://example.org/)",
            '<p><a href="https://example.org/" rel="nofollow noopener noreferrer">a</a></p>',
        ),
        ("[a](javascript:alert(1))", '<p><a rel="nofollow noopener noreferrer">a</a></p>'),
        ("![a](https://example.org/x.png)", "<p><em>[picture not shown: a]</em></p>"),
        (f"![a](data:image/png;base64,{PNG})", f'<p><img src="data:image/png;base64,{PNG}" alt="a"></p>'),
        ("![a](data:image/svg+xml;base64,PHN2Zz4=)", "<p><em>[picture not shown: a]</em></p>"),
        ("<b onclick=x id=main class=finding style='x'>y</b>", "<p><b>y</b></p>"),
        ("<script>alert(1)</script>z", "z"),
        (
            "<table><tr><td colspan=9999 rowspan=2>x</table>",
            '<div class="scroll" tabindex="0" role="group" aria-label="Table">'
            '<table><tbody><tr><td rowspan="2">x</td></tr></tbody></table></div>',
        ),
    ],
)
def test_markdown(source: str, shown: str) -> None:
    """What is kept and what is dropped."""
    assert shown == markdown(source, Budget()).strip()


def test_pictures_that_lie_about_themselves_are_not_shown() -> None:
    """Base64 that is none, a kind that is not allowed, and content that is not of its kind."""
    assert image("image/png", PNG, Budget()) is not None
    assert image("image/png", PNG[:10] + "\n" + PNG[10:] + "\n", Budget()) is not None
    assert image("image/jpeg", PNG, Budget()) is None
    assert image("image/png", "<svg>", Budget()) is None
    assert image("image/png", PNG + "!", Budget()) is None
    assert image("image/svg+xml", PNG, Budget()) is None


def test_what_is_shown_is_taken_from_the_budget() -> None:
    """The second of two that fit only one by one is left out."""
    budget = Budget(images=200, tags=3, rich=100)
    assert [True, False] == [image("image/png", PNG, budget) is not None for _ in range(2)]
    assert ["<b>x</b>", None] == [html("<b>x</b>", budget) for _ in range(2)]
    assert '<pre class="plain"' in markdown("a" * 99, budget)


def test_an_attachment_is_shown() -> None:
    """A picture that was dropped into a cell travels in the cell."""
    attachments = {"my plot.png": {"image/png": PNG}, "odd": 3}
    assert PNG in markdown("![p](attachment:my%20plot.png)", Budget(), attachments=attachments)
    for source in ("![p](attachment:odd)", "![p](attachment:none)"):
        assert "not shown: p" in markdown(source, Budget(), attachments=attachments)


def test_html_of_which_nothing_is_left_gives_way_to_text() -> None:
    """A chart that is only a script shows its text instead, and the page says what is missing."""
    assert html("<script>draw()</script><style>a{}</style>", Budget()) is None
    data = {"text/html": "<script>draw()</script>", "text/plain": "<Figure>"}
    cells = notebook(new_code_cell("plot()", outputs=[new_output("display_data", data=data)]))
    page = notebook_page(RUN, right()[0], submission("x", cells))
    assert "&lt;Figure&gt;" in page
    assert "Not shown here: text/html" in page


def test_endless_output_makes_no_endless_page() -> None:
    """However much a notebook holds, a page stays within its limits, and says what it leaves out."""
    huge = "x" * 30_000_000
    many = [new_output("stream", name="stdout", text=huge[:100_000]) for _ in range(500)]
    pictures = [new_output("display_data", data={"image/png": PNG + "A" * 10_000_000, "text/plain": "p"})]
    cells = notebook(
        new_code_cell(huge, outputs=[new_output("stream", name="stdout", text=huge)]),
        new_code_cell("many", outputs=many + pictures),
        new_markdown_cell(huge),
        *(new_markdown_cell("a" * 5_000) for _ in range(2_000)),
    )
    page = notebook_page(RUN, right()[0], submission("x", cells))
    assert len(page) < 4_000_000
    assert "29,940,000 of 30,000,000 characters are left out here." in page
    assert "461 more outputs are left out here." in page
    assert "1003 more cells are left out here." in page


@pytest.mark.parametrize(
    "source",
    [
        " \n" * 20_000,
        "'''\\" * 15_000,
        '"""' * 20_000 + "\\",
        "f'{" * 20_000,
        "%" * 60_000,
        "[" * 30_000,
        "<div>" * 4_000,
        "> " * 14_000,
        "[a](" * 7_000,
        "|a|b\n|-|-\n" + "|a|b\n" * 5_000,
        "\x1b[" + "0;" * 20_000,
    ],
)
def test_hostile_source_takes_no_time_to_speak_of(source: str) -> None:
    """Nothing here grows with the square of what is handed in: the limit is a hundred times what it takes."""
    cells = notebook(
        new_code_cell(source, outputs=[new_output("stream", name="stdout", text=source)]),
        new_markdown_cell(source),
    )
    started = time.perf_counter()
    notebook_page(RUN, right()[0], submission("x", cells))
    assert time.perf_counter() - started < 20


def test_a_parser_that_stumbles_leaves_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens in the Markdown parser, the page is written and the text is on it."""
    from grader.formats import _markup

    def stumble(source: str) -> str:
        raise RecursionError

    monkeypatch.setattr(_markup, "_renderer", lambda: stumble)
    assert markdown("a < b", Budget()) == '<pre class="plain" tabindex="0">a &lt; b</pre>'


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ({"output_type": "stream", "text": ["a", "b"]}, "ab"),
        ({"output_type": "stream", "text": {"a": 1}}, ""),
        ({"output_type": "error", "traceback": None, "ename": "E", "evalue": "v"}, "E: v"),
        ({"output_type": "error"}, "error: "),
        ({"output_type": "display_data", "data": None}, ""),
        ({"output_type": "display_data", "data": {"image/png": 5, "text/plain": 7}}, ""),
        ({}, ""),
    ],
)
def test_outputs_of_no_valid_shape_are_no_reason_to_fail(output: dict[str, object], shown: str) -> None:
    """Reading repairs notebooks; rendering does not rely on it."""
    cells = notebook(new_code_cell("x"))
    cells.cells[0]["outputs"] = [output, "no output at all"]
    page = notebook_page(RUN, right()[0], submission("x", cells))
    assert (f'<pre tabindex="0">{shown}</pre>' in page) == bool(shown)


@pytest.mark.parametrize(
    "source",
    [HOSTILE, 'x = f"""a\n{b}""" # c\n@d.e\ndef f(): return r\'\\\'\'', "%magic\n1_0.5e3\n'open", "", "\n\n"],
)
def test_highlighting_keeps_every_character(source: str) -> None:
    """Colours are added, nothing is lost: without tags, the source comes back."""
    bare = re.sub(r"</?span[^>]*>", "", "\n".join(highlight(source)))
    assert source == Markup(bare).unescape()


def test_highlighting_knows_python() -> None:
    """The parts of speech, each with its class."""
    lines = highlight("def f(x):\n    return '''a\nb'''  # c")
    assert lines == [
        '<span class="k">def</span> <span class="f">f</span>(x):',
        '    <span class="k">return</span> <span class="s">&#39;&#39;&#39;a</span>',
        '<span class="s">b&#39;&#39;&#39;</span>  <span class="c"># c</span>',
    ]


def test_text_is_made_visible() -> None:
    """Signs for what acts unseen; letters of all scripts, emoji and their joiners stay."""
    assert (
        visible("a\x00b\x1bc\x7fd\x85\u202e\ufeff\ud800") == "a␀b␛c␡d⟨U+0085⟩⟨U+202E⟩⟨U+FEFF⟩\N{REPLACEMENT CHARACTER}"
    )
    for kept in ("ä ש فارسی می\u200cخواهم 漢字", "👩\u200d💻\n\tx"):
        assert kept == visible(kept)


def test_terminal_output_is_what_a_terminal_would_show() -> None:
    """No colour codes; a progress bar in its last state."""
    assert from_terminal("\x1b[31mred\x1b[0m \x1b]0;title\x07done") == "red done"
    assert from_terminal("1 %\r50 %\r100 %\r\nend") == "100 %\nend"


def test_clip_keeps_both_ends_and_counts() -> None:
    """Output begins with what was run and ends with why it stopped."""
    assert clip("abc", 3) == ("abc", "")
    assert clip("abcdefghij", 4) == ("ab\n[…]\nij", "6 of 10 characters are left out here.")
    assert clip("abc", 0) == ("\n[…]\n", "3 of 3 characters are left out here.")


def test_names_of_students_are_quoted_in_links() -> None:
    """A name that is safe as a file name may still mean something in a URL."""
    made, handed_in = right()
    made = made.model_copy(update={"student": "Ä b#1%2?.x"})
    stream = StringIO()
    write_class_page(stream, RUN, [made])
    for page in (feedback_page(RUN, made, handed_in), notebook_page(RUN, made, handed_in), stream.getvalue()):
        assert "/%C3%84%20b%231%252%3F.x.html" in page
        assert "b#1%2?" not in page.replace("<bdi>Ä b#1%2?.x</bdi>", "").replace("<title>Ä b#1%2?.x", "")


def test_every_limit_is_used() -> None:
    """A limit that nothing reads is no limit."""
    assert {name for name in vars(_budget) if name.isupper()} == {
        "CELLS", "IMAGE", "OUTPUT", "OUTPUTS_PER_CELL", "RICH", "SOURCE", "TAGS",
    }  # fmt: skip
    assert report("x", []).max_score == 100
