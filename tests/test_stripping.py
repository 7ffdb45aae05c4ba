"""Solutions are taken out of code: what stood between markers is nowhere, and what is left is valid Python."""

from __future__ import annotations

import ast

import pytest
from stripped import DOTS, UNFINISHED

from grader.stripping import MarkerError, strip_code, strip_text
from grader.stripping.python import as_python


def code(source: str) -> str:
    """What is left; always valid Python, and without the word SECRET."""
    left = strip_code(source).text
    ast.parse(as_python(left))
    assert "SECRET" not in left
    return left


def test_a_solution_in_a_function_leaves_an_exception_in_its_place() -> None:
    source = 'def f(x):\n    """What f does."""\n    ### BEGIN SOLUTION\n    return SECRET\n    ### END SOLUTION\n'
    assert f'def f(x):\n    """What f does."""\n    {UNFINISHED}\n' == code(source)


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("### BEGIN SOLUTION", "### END SOLUTION"),
        ("# BEGIN SOLUTION", "# END SOLUTION"),
        ("#BEGIN SOLUTION", "#END SOLUTION"),
        ("#  begin   solution", "# End Solution"),
        ("########## BEGIN SOLUTION ##########", "########## END SOLUTION ##########"),
        ("# BEGIN-SOLUTION", "# END_SOLUTION"),
        ("# --- BEGIN SOLUTION ---", "# --- END SOLUTION ---"),
        ("# BEGIN SOLUTION: the sum", "# END SOLUTION (of the sum)"),
        ("# BEGIN\u00a0SOLUTION", "# END\tSOLUTION"),
        ("# BE\u200bGIN SOLUTION", "# END SO\u00adLUTION"),
        ("# ＢＥＧＩＮ SOLUTION", "# END SOLUTION   "),
        ("BEGIN SOLUTION", "END SOLUTION"),
    ],
)
@pytest.mark.parametrize("indent", ["    ", "\t", "  "])
def test_markers_may_be_spelt_in_many_ways(begin: str, end: str, indent: str) -> None:
    left = strip_code(f"def f(x):\n{indent}{begin}\n{indent}return SECRET\n{indent}{end}")
    assert f"def f(x):\n{indent}{UNFINISHED}" == left.text
    assert [f"{indent}return SECRET"] == left.removed


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_windows_line_ends_become_line_feeds(end: str) -> None:
    source = f"def f():{end}    # BEGIN SOLUTION{end}    return SECRET{end}    # END SOLUTION{end}f()"
    assert f"def f():\n    {UNFINISHED}\nf()" == code(source)


def test_the_block_gives_the_indentation_and_not_the_marker() -> None:
    assert f"def f(x):\n    {UNFINISHED}\n" == code(
        "def f(x):\n### BEGIN SOLUTION\n    return SECRET\n### END SOLUTION\n"
    )
    assert f"def f(x):\n    {UNFINISHED}\n" == code(
        "def f(x):\n    ### BEGIN SOLUTION\n    # SECRET\n\n    return 1\n### END SOLUTION\n"
    )


def test_in_a_class_or_a_cell_nothing_is_raised() -> None:
    """There it would end the definition, or the notebook, and cost what stands below."""
    inside = (
        "class A(nn.Module):\n    # BEGIN SOLUTION\n    def forward(self, SECRET):\n        pass\n    # END SOLUTION"
    )
    assert f"class A(nn.Module):\n    {DOTS}" == code(inside)
    assert f"{DOTS}\nprint(x)" == code("# BEGIN SOLUTION\nx = SECRET\n# END SOLUTION\nprint(x)")
    method = "class A:\n    def f(self):\n        # BEGIN SOLUTION\n        SECRET\n        # END SOLUTION"
    assert f"class A:\n    def f(self):\n        {UNFINISHED}" == code(method)
    nested = (
        "def f():\n    class A:\n        # BEGIN SOLUTION\n        SECRET = 1\n        # END SOLUTION\n    return A"
    )
    assert f"def f():\n    class A:\n        {DOTS}\n    return A" == code(nested)


def test_below_a_decorator_a_definition_is_left_that_tells_nothing() -> None:
    """Without one, the decorator would be that of the next definition."""
    source = (
        "class A:\n    @staticmethod\n    # BEGIN SOLUTION\n    def secret(SECRET):\n        pass\n"
        "    # END SOLUTION\n\n    def g(self):\n        pass"
    )
    tree = ast.parse(code(source))
    (static, g) = tree.body[0].body  # type: ignore[attr-defined]
    assert ("your_code", 1) == (static.name, len(static.decorator_list))
    assert ("g", 0) == (g.name, len(g.decorator_list))


def test_within_brackets_an_expression_is_left() -> None:
    call = "x = nn.Sequential(\n    a,\n    # BEGIN SOLUTION\n    SECRET,\n    # END SOLUTION\n    b)"
    assert "x = nn.Sequential(\n    a,\n    ...,  # your code here\n    b)" == code(call)
    mapping = "x = {\n    'a': 1,\n    # BEGIN SOLUTION\n    'SECRET': 2,\n    # END SOLUTION\n}"
    assert "x = {\n    'a': 1,\n    # your code here\n}" == code(mapping)


def test_a_branch_may_be_the_solution() -> None:
    assert f"if a:\n    b\n{DOTS}\n" == code("if a:\n    b\n# BEGIN SOLUTION\nelse:\n    SECRET\n# END SOLUTION\n")


def test_several_solutions_in_one_cell() -> None:
    source = (
        "def f():\n    # BEGIN SOLUTION\n    SECRET\n    # END SOLUTION\n\ny = SECRET  # SOLUTION\n"
        "# BEGIN SOLUTION\nSECRET\n# END SOLUTION"
    )
    assert f"def f():\n    {UNFINISHED}\n\ny = {DOTS}\n{DOTS}" == code(source)


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("y = SECRET  # SOLUTION", f"y = {DOTS}"),
        ("y = SECRET  #SOLUTION", f"y = {DOTS}"),
        ("y = SECRET  # solution", f"y = {DOTS}"),
        ("y = SECRET  ### Solution.", f"y = {DOTS}"),
        ("y = SECRET  # SOLUTION: by hand", f"y = {DOTS}"),
        ("x, y = SECRET, 1  # SOLUTION", f"x, y = {DOTS}"),
        ("a = b = SECRET  # SOLUTION", f"a = b = {DOTS}"),
        ("self.y['k']: int = SECRET  # SOLUTION", f"self.y['k']: int = {DOTS}"),
        ("y[SECRET] = 1  # SOLUTION", DOTS),
        ("y += SECRET  # SOLUTION", DOTS),
        ("print(SECRET)  # SOLUTION", DOTS),
        ("a = SECRET; b = SECRET  # SOLUTION", DOTS),
        ("y = f(SECRET,\n      SECRET)  # SOLUTION", f"y = {DOTS}"),
        ("y = f(\n    SECRET,  # SOLUTION\n    SECRET,  # SOLUTION\n)", f"y = {DOTS}"),
        ("def f():\n    return SECRET  # SOLUTION", f"def f():\n    {DOTS}"),
        ("def f():\n    y = SECRET  # SOLUTION NO PROMPT\n    return y", "def f():\n    return y"),
        ("def f():\n    y = SECRET  # SOLUTION NO PROMPT", f"def f():\n    y = {DOTS}"),
        ("if a: y = SECRET  # SOLUTION", DOTS),
        ("é = 'é'; y = SECRET  # SOLUTION", DOTS),
    ],
)
def test_a_line_that_ends_in_solution_is_one(source: str, left: str) -> None:
    assert left == code(source).replace('"k"', "'k'")


@pytest.mark.parametrize(
    "source",
    [
        'print("### BEGIN SOLUTION")',
        "x = f'# END SOLUTION {y}'",
        's = "y = 1  # SOLUTION"',
        "# the solution of this equation\nx = 1",
        "x = 1  # a solution",
        "# Beginners: look at solution.md",
        "BEGIN = SOLUTION = 1",
    ],
)
def test_what_only_looks_like_a_marker_is_left_alone(source: str) -> None:
    assert source == strip_code(source).text


def test_a_marker_on_a_line_of_a_longer_string_counts() -> None:
    """Who writes the markers into a docstring wants what is between them to go."""
    source = 'def f():\n    """\n    ### BEGIN SOLUTION\n    SECRET\n    ### END SOLUTION\n    """\n    return 1'
    assert "return 1" in code(source)
    assert "x = f" in code('x = f"""\n# BEGIN SOLUTION\n{SECRET}\n# END SOLUTION\n"""')


def test_otters_own_example() -> None:
    source = """\
pi = 3.14
if True:
    # BEGIN SOLUTION
    radius = 3
    area = radius * pi * pi
    # END SOLUTION
    print('A circle with radius', radius, 'has area', area)

def circumference(r):
    # BEGIN SOLUTION NO PROMPT
    return 2 * pi * r
    # END SOLUTION
    \"\"\" # BEGIN PROMPT
    # Next, define a circumference function.
    pass
    \"\"\"; # END PROMPT
"""
    left = f"""\
pi = 3.14
if True:
    {DOTS}
    print('A circle with radius', radius, 'has area', area)

def circumference(r):
    # Next, define a circumference function.
    pass
"""
    assert left == code(source)


def test_hidden_tests_and_mark_schemes_leave_nothing_behind() -> None:
    source = "assert a\n### BEGIN HIDDEN TESTS\nassert SECRET\n### END HIDDEN TESTS\nassert b"
    assert "assert a\nassert b" == code(source)
    assert "def t():\n    pass" == code("def t():\n    # BEGIN HIDDEN TESTS\n    SECRET\n    # END HIDDEN TESTS")
    assert "Explain.\nHere." == strip_text("Explain.\n### BEGIN MARK SCHEME\nSECRET\n### END MARK SCHEME\nHere.").text


def test_the_last_line_of_a_solution_may_carry_its_end() -> None:
    assert f"def f():\n    {UNFINISHED}" == code("def f():\n    # BEGIN SOLUTION\n    return SECRET  # END SOLUTION")


@pytest.mark.parametrize(
    ("magic", "comment", "stub"),
    [
        ("%%time", "#", DOTS),
        ("%%writefile model.py", "#", DOTS),
        ("%%bash", "#", "# your code here"),
        ("%%javascript", "//", "// your code here"),
        ("%%latex", "%", "% your code here"),
        ("%%sql", "--", "-- your code here"),
    ],
)
def test_a_cell_magic_keeps_its_line(magic: str, comment: str, stub: str) -> None:
    left = strip_code(f"{magic}\n{comment} BEGIN SOLUTION\nSECRET\n{comment} END SOLUTION").text
    assert f"{magic}\n{stub}" == left


def test_ipythons_lines_are_no_obstacle() -> None:
    lines = "!pip install x\n%matplotlib inline\nfiles = !ls\nf?\ndef f():\n"
    assert code(f"{lines}    # BEGIN SOLUTION\n    SECRET\n    # END SOLUTION").startswith(f"{lines}    raise")


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("# BEGIN SOLUTION\n# BEGIN SOLUTION\n# END SOLUTION\n# END SOLUTION", 2, "within BEGIN SOLUTION of line 1"),
        ("# BEGIN SOLUTION\n# BEGIN HIDDEN TESTS\n# END HIDDEN TESTS\n# END SOLUTION", 2, "within BEGIN SOLUTION"),
        ("a\n# BEGIN SOLUTION\nx", 2, "without an END SOLUTION"),
        ("x\n\n# END SOLUTION", 3, "without a BEGIN SOLUTION"),
        ("# BEGIN SOLUTION\n# END HIDDEN TESTS", 2, "where BEGIN SOLUTION of line 1 is open"),
        ("x = 1  # BEGIN SOLUTION\ny\n# END SOLUTION", 1, "give it a line of its own"),
        ("# BEGIN SOLUTION x # END SOLUTION", 1, "two markers on one line"),
        ("# SOLUTION\nx = 1", 1, "stands alone"),
        ("def f(x):  # SOLUTION\n    return 1", 1, "behind the head of a block"),
        ("# START SOLUTION\nx\n# END SOLUTION", 1, "looks like a marker"),
        ("# BEGIN ANSWER\nx\n# END ANSWER", 1, "looks like a marker"),
        ("# BEGIN SOLUTION\nx\n# END OF SOLUTION", 3, "looks like a marker"),
        ('# BEGIN SOLUTION\ns = """\n# END SOLUTION\n"""\nx\n# END SOLUTION', 6, "without a BEGIN SOLUTION"),
        ('"""### BEGIN SOLUTION\nx\n### END SOLUTION"""', 3, "without a BEGIN SOLUTION"),
        ("try:\n    x\n# BEGIN SOLUTION\nexcept E:\n    y\n# END SOLUTION", 3, "still valid Python"),
        ('def f():\n    """ # BEGIN PROMPT\n    pass', 2, "without an END PROMPT"),
    ],
)
def test_what_cannot_be_understood_is_an_error(source: str, line: int, message: str) -> None:
    with pytest.raises(MarkerError, match=message) as raised:
        strip_code(source)
    assert line == raised.value.line
