"""Whatever stands between markers is in no byte of what is left, and what was valid stays valid."""

from __future__ import annotations

import ast
import base64
import json

from hypothesis import given, settings
from hypothesis import strategies as st
from stripped import notebook

from grader.errors import AssignmentError
from grader.stripping import MarkerError, strip_code, strip_notebook, write_notebook
from grader.stripping.python import as_python

WORD = "zq" + "secret" + "xj"  # occurs in nothing that is ours
LINES = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=20),
        st.sampled_from(
            ["    ", "\t", '"""', "'", "(", "\\", "# SOLUTION", "x = 1", "def f():", "%%bash", "!ls", "<!--", "-->"]
        ),
    ),
    max_size=6,
)
STYLES = [
    ("### BEGIN SOLUTION", "### END SOLUTION"),
    ("#begin solution", "# END SOLUTION"),
    ("<!-- BEGIN SOLUTION -->", "<!-- END SOLUTION -->"),
]


@given(
    LINES,
    LINES,
    LINES,
    st.sampled_from(STYLES),
    st.sampled_from(["", "    ", "\t"]),
    st.sampled_from(["code", "markdown", "raw"]),
)
@settings(max_examples=200)
def test_nothing_between_markers_is_in_any_byte(
    before: list[str], inside: list[str], after: list[str], style: tuple[str, str], indent: str, kind: str
) -> None:
    """Or the notebook is refused: in no case is a solution given out."""
    begin, end = style
    solution = [f"{line}{WORD}{number}" for number, line in enumerate(inside or [""])]
    text = "\n".join(solution)
    hidden = {"k": text, "b64": base64.b64encode(text.encode()).decode()}
    cell = {
        "cell_type": kind,
        "source": "\n".join([*before, indent + begin, *solution, indent + end, *after]),
        "metadata": {"note": hidden, "tags": [text], "grader": {"answer": text}},
    }
    if kind == "code":
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]
    else:
        cell["attachments"] = {"a.png": {"image/png": hidden["b64"]}, "b.txt": {"text/plain": text}}
    try:
        left = strip_notebook(notebook(cell, note=hidden), "starter.ipynb")
    except AssignmentError:
        return
    written = write_notebook(left.notebook)
    assert WORD not in written
    assert json.loads(written)["cells"][0]["source"] is not None
    for shift in range(3):  # however the text falls upon base64's groups of three
        inner = base64.b64encode(b" " * shift + WORD.encode())[4:-4].decode()
        assert inner not in written


@given(
    st.lists(
        st.sampled_from(
            [
                "x = 1",
                "def f(a):",
                "    return a",
                "class A:",
                "    def m(self):",
                "        pass",
                "@d",
                "if x:",
                "    y = 2  # SOLUTION",
                "# BEGIN SOLUTION",
                "    # BEGIN SOLUTION",
                "# END SOLUTION",
                "    # END SOLUTION",
                "z = (",
                ")",
                "%time f()",
            ]
        ),
        max_size=12,
    )
)
@settings(max_examples=300)
def test_what_was_valid_stays_valid_or_is_refused(lines: list[str]) -> None:
    source = "\n".join(lines)
    try:
        ast.parse(as_python(source))
        left = strip_code(source).text
    except (SyntaxError, MarkerError):
        return
    ast.parse(as_python(left))
    assert "SOLUTION" not in left
