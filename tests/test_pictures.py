"""Pictures: what is drawn of real code, where the first difference is, and that nothing hostile gets out of hand."""

from __future__ import annotations

import math
import re
import time
import xml.etree.ElementTree as ET
from functools import cache

import pytest
from bs4 import BeautifulSoup
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from judging import examine_source, find_exercise, judge_all, right_answers
from test_formats_samples import HOSTILE, RUN, failing, report
from test_pages_hostile import faults

from grader.assignment import ModuleExercise
from grader.checks import checks
from grader.formats._feedback import feedback_page
from grader.formats._pictures import drawers, pictures_of
from grader.formats._pictures._svg import width_of
from grader.formats.json import document
from grader.graph import Graph, Leaf, Node
from grader.illustrate import illustrate
from grader.illustrate.steps import drawn, layer_of
from grader.judge.examined import Examined
from grader.pictures import (
    BlockPicture,
    Difference,
    Flow,
    GradientPicture,
    GradientRow,
    NetworkPicture,
    ParameterPicture,
    ParameterRow,
    Pictures,
    ShapePicture,
    Step,
)
from grader.verdict import ExerciseReport, Report

pytestmark = pytest.mark.heavy

BLOCK = """
import torch
from torch import nn
import torch.nn.functional as F

class ResBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.side = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.side = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        out = self.norm1(self.first(x))
        out = F.relu(out)
        out = self.norm2(self.second(out))
        out = out + self.side(x)
        return F.relu(out)
"""


@cache
def illustrated(source: str) -> tuple[Examined, Pictures | None]:
    """What is drawn of a one-cell notebook with a ResBlock."""
    exercise = find_exercise("resblock")[1]
    assert isinstance(exercise, ModuleExercise)
    examined = examine_source(source, exercise, right_answers("resblock"))
    results = [checks()[name].judge(examined, points) for name, points in exercise.points.items()]
    return examined, illustrate(examined, results)


def changed(*changes: tuple[str, str]) -> str:
    source = BLOCK
    for before, after in changes:
        assert before in source
        source = source.replace(before, after, 1)
    return source


def pictures(source: str) -> Pictures:
    found = illustrated(source)[1]
    assert found is not None
    return found


def block(source: str) -> BlockPicture:
    found = pictures(source).block
    assert found is not None
    return found


MULTIPLIED = changed(("out + self.side(x)", "out * self.side(x)"))
NO_LAST_RELU = changed(("return F.relu(out)", "return out"))
NO_INNER_RELU = changed(("        out = F.relu(out)\n", ""))
NO_SHORTCUT = changed(("        out = out + self.side(x)\n", ""))
NO_NORM_AT_SIDE = changed(("                nn.BatchNorm2d(out_channels),\n", ""))
DETACHED = changed(("self.side(x)", "self.side(x).detach()"))
SIDE_WITHOUT_STRIDE = changed(("out_channels, 1, stride, bias", "out_channels, 1, 1, bias"))
UNPADDED = changed(("3, stride, 1, bias", "3, stride, 0, bias"))
NO_PROJECTION = changed(("stride != 1 or in_channels != out_channels", "False"))
SIGMOID = changed(("        out = F.relu(out)\n", "        out = torch.sigmoid(out)\n"))
TWO = changed(("        out = F.relu(out)\n", ""), ("out + self.side(x)", "out * self.side(x)"))
IN_A_LIST = changed(
    ("self.first = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)",
     "self.all = [nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)]"),
    ("self.first(x)", "self.all[0](x)"),
)  # fmt: skip
WRONG = [
    MULTIPLIED, NO_LAST_RELU, NO_INNER_RELU, NO_SHORTCUT, NO_NORM_AT_SIDE, DETACHED, SIDE_WITHOUT_STRIDE, UNPADDED,
    NO_PROJECTION, SIGMOID, IN_A_LIST,
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "says", "missing", "line"),
    [
        (MULTIPLIED, "multiply", None, "out * self.side(x)"),
        (SIGMOID, "sigmoid", None, "torch.sigmoid(out)"),
        (DETACHED, "detach: no gradient", None, ".detach()"),
        (NO_LAST_RELU, "add", "ReLU", "out + self.side(x)"),
        (NO_INNER_RELU, "batch norm", "ReLU", "self.norm1(self.first(x))"),
        (NO_SHORTCUT, "batch norm", "add", "self.norm2(self.second(out))"),
        (TWO, "batch norm", "ReLU", "self.norm1(self.first(x))"),
        (NO_NORM_AT_SIDE, "conv 1×1", "batch norm", "out + self.side(x)"),
        (SIDE_WITHOUT_STRIDE, "conv 1×1", None, "out + self.side(x)"),
        (NO_PROJECTION, "input", "conv 1×1", None),
        (UNPADDED, "conv 3×3", None, "self.first(x)"),
    ],
)
def test_the_first_difference_is_where_it_was_planted(
    source: str, says: str, missing: str | None, line: str | None
) -> None:
    """The step is the one that was changed, or the one in front of what was left out, and it stands on that line."""
    picture = block(source)
    assert picture.first is not None
    assert picture.reference is not None
    step = picture.mine.steps[picture.first.mine]
    lacks = picture.reference.steps[picture.first.missing].says if picture.first.missing is not None else None
    assert (says, missing) == (step.says, lacks)
    if line is not None:
        assert step.line is not None
        assert line in source.splitlines()[step.line - 1]


def test_where_values_are_known_they_say_where_the_first_difference_is() -> None:
    """A sum that is a product gives other values; a detached one does not, and only the drawing shows it."""
    assert [True, False] == [block(source).first.measured for source in (MULTIPLIED, DETACHED)]  # type: ignore[union-attr]


def test_a_right_block_is_drawn_alone() -> None:
    """Nothing is pointed out in it, and the case with the most to see is shown: the one with a projection."""
    found = pictures(BLOCK)
    assert (found.gradients, found.parameters, found.shapes) == (None, None, None)
    assert found.block is not None
    assert found.block.reference is None
    said = [(step.says, step.layer) for step in found.block.mine.steps]
    assert said == [
        ("input", ""), ("conv 3×3", "first"), ("batch norm", "norm1"), ("ReLU", ""), ("conv 3×3", "second"),
        ("batch norm", "norm2"), ("conv 1×1", "side.0"), ("batch norm", "side.1"), ("add", ""), ("ReLU", ""),
    ]  # fmt: skip
    assert [step.on_skip for step in found.block.mine.steps] == [False] * 6 + [True] * 2 + [False] * 2
    assert ((0, 6), (6, 7), (7, 8)) == found.block.mine.skips


@pytest.mark.parametrize(
    ("forward", "said"),
    [
        ("out = (out + self.side(x)).clamp(min=0)\n        return out", ["add", "ReLU"]),
        ("out = torch.stack([out, self.side(x)]).sum(0)\n        return F.relu(out)", ["add", "ReLU"]),
        ("out = out + self.side(x)\n        return torch.maximum(out, torch.zeros_like(out))", ["add", "ReLU"]),
        ("out = out + self.side(x)\n        return out * (out > 0)", ["add", "ReLU"]),
        ("out += self.side(x)\n        return out.relu_()", ["add", "ReLU"]),
    ],
)
def test_other_spellings_are_drawn_as_what_they_are(forward: str, said: list[str]) -> None:
    """However an addition or a ReLU is written, it is drawn as one."""
    end = "out = out + self.side(x)\n        return F.relu(out)"
    steps = block(changed((end, forward))).mine.steps
    assert said == [step.says for step in steps[-2:]]


def test_a_batch_norm_by_hand_is_one_step() -> None:
    """Arithmetic that is one thing is drawn as one."""
    by_hand = changed(
        ("self.norm1 = nn.BatchNorm2d(out_channels)",
         "self.w = nn.Parameter(torch.ones(out_channels)); self.b = nn.Parameter(torch.zeros(out_channels))\n"
         "        self.register_buffer('m', torch.zeros(out_channels))\n"
         "        self.register_buffer('v', torch.ones(out_channels))"),
        ("out = self.norm1(self.first(x))",
         "out = self.first(x); s = (1, -1, 1, 1)\n"
         "        out = (out - self.m.view(s)) / (self.v.view(s) + 1e-5).sqrt() * self.w.view(s) + self.b.view(s)"),
    )  # fmt: skip
    said = [step.says for step in block(by_hand).mine.steps[:4]]
    assert said == ["input", "conv 3×3", "norm, by hand", "ReLU"]


def test_parameters_add_up() -> None:
    """The bars of each side are all of its parameters, those of a layer in a list apart."""
    for source in (NO_NORM_AT_SIDE, IN_A_LIST, NO_PROJECTION):
        examined, found = illustrated(source)
        assert found is not None
        picture = found.parameters
        assert picture is not None
        seen = next(s for s in examined.observations if f"{examined.call(s.case)}, {s.case.title}" == picture.case)
        assert examined.answers is not None
        expected = examined.answers.reference.parameter_shapes(seen.case)
        assert sum(row.mine for row in picture.rows) == sum(math.prod(p.shape) for p in seen.built.parameters)
        assert sum(row.reference for row in picture.rows) == sum(map(math.prod, expected.values()))
    (row,) = (row for row in pictures(NO_NORM_AT_SIDE).parameters.rows if row.mine != row.reference)  # type: ignore[union-attr]
    assert ("", 0, 32) == (row.mine_name, row.mine, row.reference)
    (row,) = (row for row in pictures(IN_A_LIST).parameters.rows if row.unregistered)  # type: ignore[union-attr]
    assert (576, 0, "conv1") == (row.unregistered, row.mine, row.reference_name)


def test_a_gradient_that_is_cut_shows_at_the_input() -> None:
    """Behind the cut all is as in the reference, in front of it less arrives. Layers have the student's names."""
    picture = pictures(DETACHED).gradients
    assert picture is not None
    apart = {row.layer for row in picture.rows if row.mine != pytest.approx(row.reference)}
    assert {"input"} == apart
    assert ["input", "first", "norm1", "second", "norm2"] == [row.layer for row in picture.rows]


def test_shapes_lead_to_where_it_breaks() -> None:
    """The first wrong one is marked, not only the operation that raised."""
    found = pictures(SIDE_WITHOUT_STRIDE).shapes
    assert found is not None
    assert found.wrong is not None
    assert ("conv 1×1", (2, 16, 8, 8)) == (found.flow.steps[found.wrong].says, found.flow.steps[found.wrong].shape)
    assert (2, 16, 4, 4) == found.wanted[found.wrong]
    assert "broken" == found.flow.steps[-1].kind
    unpadded = pictures(UNPADDED).shapes
    assert unpadded is not None
    assert (1, (2, 8, 6, 6)) == (unpadded.wrong, unpadded.flow.steps[1].shape)


def test_what_comes_behind_a_break_is_not_called_missing() -> None:
    """It was not reached; whether it is there nobody knows."""
    shown = {each.id: each for each in pictures_of(pictures(SIDE_WITHOUT_STRIDE), "exercise-1", None)}
    drawing = shown["exercise-1-block"].panels[0].drawing
    assert "ReLU: not reached" in drawing
    assert "no ReLU" not in drawing


NETWORK = """

def build_network(num_classes=10):
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        ResBlock(8, 8), ResBlock(8, 8), ResBlock(8, 16, 2), ResBlock(16, 16),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, num_classes),
    )
"""


@pytest.mark.parametrize(("source", "verdict"), [(BLOCK, "right"), (NO_LAST_RELU, "excused")])
def test_a_network_is_drawn_block_by_block(source: str, verdict: str) -> None:
    """Like blocks in a row are one step; what has cost in the block's own exercise is not called wrong again."""
    found = judge_all(source + NETWORK, draw=True)["network"].pictures
    assert found is not None
    assert found.network is not None
    steps = [(step.says, step.layer, step.detail) for step in found.network.flow.steps]
    assert ("2 × ResBlock(8, 8, 1)", "block 1 … block 2", "to 2×8×32×32") == steps[1]
    assert ("input", "output", 4) == (steps[0][0], steps[-1][0], found.network.blocks)
    assert ["", verdict, verdict, verdict, ""] == list(found.network.verdicts)
    page = feedback_page(RUN, with_pictures(found), failing()[1])
    assert faults(page) == []
    check_page(page, found)


def test_code_that_cannot_be_drawn_has_no_picture_and_no_complaint() -> None:
    """Nothing is defined, or nothing runs."""
    for source in ("x = 1", changed(("super().__init__()", "raise ValueError")), "class ResBlock: pass"):
        assert not any(vars(illustrated(source)[1] or Pictures()).values())


# ------------------------------------------------------------------ the page


def with_pictures(found: Pictures) -> Report:
    made = failing()[0]
    first = made.exercises[0].model_copy(update={"pictures": found})
    return report("grace", [first, *made.exercises[1:]])


@pytest.mark.parametrize("source", [BLOCK, *WRONG])
def test_every_picture_is_sound(source: str) -> None:
    """The page is ours alone, each SVG is XML with its texts inside, and the table tells every step."""
    found = pictures(source)
    page = feedback_page(RUN, with_pictures(found), failing()[1])
    assert faults(page) == []
    assert page.count("<figure") == len(drawers(found, "exercise-1", None)) > 0
    check_page(page, found)


def check_page(page: str, found: Pictures) -> None:
    soup = BeautifulSoup(page, "html.parser")
    ids = [str(element["id"]) for element in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    for drawing in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        svg = ET.fromstring(drawing)
        for name in ("aria-labelledby", "aria-describedby"):
            assert svg.attrib[name] in ids
        width, height = map(float, svg.attrib["viewBox"].split()[2:])
        for text in svg.iter("text"):
            size = {"small": 11.0, "layer": 10.5, "sign": 16.0}.get(text.attrib["class"].split()[0], 12.5)
            room = width_of(text.text or "", size, code=text.attrib["class"].startswith("layer"))
            x, y = float(text.attrib["x"]), float(text.attrib["y"])
            left = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[text.attrib["text-anchor"]] * room
            assert -1 <= left <= left + room <= width + 1, text.text
            assert 0 <= y <= height
        for shape in (*svg.iter("rect"), *svg.iter("circle")):
            numbers = [float(value) for name, value in shape.attrib.items() if name != "class"]
            assert all(map(math.isfinite, numbers))
            assert all(-10 <= number <= max(width, height) for number in numbers)
    tables = " ".join(" ".join(table.get_text(" ").split()) for table in soup.select(".picture table"))
    flows = [flow for b in (found.block,) if b is not None for flow in (b.mine, b.reference) if flow is not None]
    for flow in flows:
        for step in flow.steps:
            assert " ".join(step.says.split()[:1]) in tables


def test_pictures_are_on_the_page_and_not_in_the_results() -> None:
    """results.json is a contract, and stays as it is."""
    made = with_pictures(pictures(MULTIPLIED))
    assert "pictures" not in str(document(made))
    assert document(made) == document(with_pictures(Pictures()))


def test_the_first_difference_leads_to_the_students_cell() -> None:
    """As every other place on the page does."""
    step = Step(says="ReLU", kind="activation", reads=(0,), cell=2, line=21)
    flow = Flow(steps=(Step(says="input", kind="input"), step))
    picture = BlockPicture(case="c", mine=flow, reference=flow, pairs=((0, 0), (1, 1)), first=Difference(mine=1))
    page = BeautifulSoup(feedback_page(RUN, with_pictures(Pictures(block=picture)), failing()[1]), "html.parser")
    link = page.select_one(".picture figcaption a")
    assert link is not None
    assert ("../notebooks/grace.html#cell-2", "cell 2, line 21") == (link["href"], link.text)


def test_a_picture_that_cannot_be_drawn_takes_no_page_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are there."""
    found = pictures(MULTIPLIED)
    whole = pictures_of(found, "exercise-1", None)
    monkeypatch.setattr("grader.formats._pictures.block", lambda *_: 1 / 0)
    assert [each.id for each in whole if each.id != "exercise-1-block"] == [
        each.id for each in pictures_of(found, "exercise-1", None)
    ]


# ------------------------------------------------------------------ what is hostile

XSS = st.sampled_from(
    [HOSTILE, "<script>alert(1)</script>", "]]>", "&amp;", '" onload="x', "漢字" * 30, "\ufffe\uffff"]
)
NAMES = st.one_of(st.text(max_size=60), XSS)
SIZES = st.integers(0, 2**47)
SHAPES = st.lists(SIZES, max_size=6).map(tuple)
KINDS = ("input", "layer", "norm", "activation", "join", "pool", "reshape", "cut", "other", "broken")


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    count = draw(st.integers(1, 14))
    steps = [
        Step(
            says=draw(st.one_of(NAMES, st.sampled_from(["add", "ReLU", "conv 3×3"]))),
            detail=draw(NAMES),
            kind=draw(st.sampled_from(KINDS)) if number else "input",
            layer=draw(NAMES),
            shape=draw(SHAPES),
            reads=tuple(draw(st.lists(st.integers(0, number - 1), min_size=1, max_size=4, unique=True)))
            if number
            else (),
            on_skip=bool(number) and draw(st.booleans()),
            cell=draw(st.one_of(st.none(), st.integers())),
            line=draw(st.one_of(st.none(), st.integers())),
        )
        for number in range(count)
    ]
    edges = [(i, number) for number, step in enumerate(steps) for i in step.reads]
    skips = draw(st.lists(st.sampled_from(edges), unique=True)) if edges else []
    return Flow(steps=tuple(steps), skips=tuple(sorted(skips)))


NORMS = st.one_of(st.none(), st.floats(1e-300, math.inf, allow_nan=False))
COUNTS = st.integers(0, 2**62)


@st.composite
def hostile_pictures(draw: st.DrawFn) -> Pictures:
    mine, theirs = draw(flows()), draw(flows())
    both = min(len(mine.steps), len(theirs.steps))
    rest = [(i, None) for i in range(both, len(mine.steps))] + [(None, j) for j in range(both, len(theirs.steps))]
    first = draw(st.one_of(st.none(), st.integers(0, len(mine.steps) - 1).map(lambda i: Difference(mine=i))))
    gradient_rows = st.builds(GradientRow, layer=NAMES, mine=NORMS, reference=NORMS)
    parameter_rows = st.builds(
        ParameterRow, mine_name=NAMES, mine=COUNTS, reference_name=NAMES, reference=COUNTS, unregistered=COUNTS
    )
    return Pictures(
        block=BlockPicture(
            case=draw(NAMES), mine=mine, reference=theirs, pairs=(*((i, i) for i in range(both)), *rest), first=first
        ),
        gradients=GradientPicture(
            case=draw(NAMES), training=True, rows=tuple(draw(st.lists(gradient_rows, min_size=1, max_size=6)))
        ),
        parameters=ParameterPicture(
            case=draw(NAMES), rows=tuple(draw(st.lists(parameter_rows, min_size=1, max_size=6)))
        ),
        shapes=ShapePicture(
            case=draw(NAMES),
            flow=mine,
            wanted=tuple(draw(st.one_of(st.none(), SHAPES)) for _ in mine.steps),
            wrong=draw(st.one_of(st.none(), st.integers(0, len(mine.steps) - 1))),
            raised=draw(NAMES),
        ),
        network=NetworkPicture(
            case=draw(NAMES),
            flow=mine,
            verdicts=tuple(draw(st.sampled_from(["", "right", "wrong", "excused"])) for _ in mine.steps),
            blocks=draw(st.integers(0, 500)),
        ),
        blocks=(
            BlockPicture(case=draw(NAMES), mine=mine, place=draw(NAMES)),
            BlockPicture(
                case=draw(NAMES), mine=theirs, reference=theirs, pairs=tuple((j, j) for j in range(len(theirs.steps)))
            ),
        ),
    )


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(hostile_pictures())
def test_whatever_a_student_says_the_page_stays_ours(found: Pictures) -> None:
    """Any names, shapes, numbers and edges: seven pictures, each of them XML, and nothing that acts."""
    for draw in drawers(found, "exercise-1", failing()[1]):
        draw()  # none of them raises
    page = feedback_page(RUN, with_pictures(found), failing()[1])
    assert page.count("<figure") == 7
    assert faults(page) == []
    check_page(page, Pictures())


OPS = (
    "aten.convolution.default", "aten.native_batch_norm.default", "getitem", "aten.relu.default", "aten.add.Tensor",
    "aten.mul.Tensor", "aten.addmm.default", "aten.cat.default", "aten.view.default", "aten.detach.default",
    "aten.max_pool2d_with_indices.default", "aten.sum.dim_IntList", "aten.sub.Tensor", "aten.div.Tensor",
    "aten.stack.default", "alias", "scatter", "leaf", "x" * 200, "aten..", "aten.maximum.default", "aten.gt.Scalar",
)  # fmt: skip
ARGUMENTS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 2**60), st.floats(), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=6,
)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    nodes = [Node(id=0, op="leaf", leaf=Leaf(kind="input", key="x"), shapes=[draw(SHAPES.map(list))])]
    for number in range(1, draw(st.integers(2, 25))):
        shape = [draw(SHAPES.map(list))]
        if draw(st.integers(0, 4)) == 0:
            kind = draw(st.sampled_from(["parameter", "buffer", "unregistered", "constant"]))
            leaf = Leaf(kind=kind, key=f"{draw(st.sampled_from(['p:', '#', '']))}{draw(NAMES)}"[:500], learnable=True)
            nodes.append(Node(id=number, op="leaf", leaf=leaf, shapes=shape))
            continue
        reads = draw(st.lists(st.integers(0, number - 1), max_size=4))
        args = [{"v": i} for i in reads] + draw(st.lists(ARGUMENTS, max_size=9))
        module = draw(st.one_of(st.none(), NAMES))
        nodes.append(
            Node(
                id=number,
                op=draw(st.sampled_from(OPS)),
                args=args,
                shapes=draw(st.sampled_from([shape, []])),
                module=module,
            )
        )
    return Graph(nodes=nodes, output=len(nodes) - 1)


@settings(max_examples=200, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(graphs())
def test_no_graph_stops_the_drawing(graph: Graph) -> None:
    """A graph is a self-report: it is drawn or it is not, and every step reads steps in front of it."""
    found = drawn(graph)
    if found is None:
        return
    assert all(i < number for number, step in enumerate(found.flow.steps) for i in step.reads)
    assert all(len(step.layer) <= 40 and len(step.says) <= 60 for step in found.flow.steps)
    assert len(found.keys) == len(found.flow.steps)


def chain(count: int) -> Graph:
    nodes = [Node(id=0, op="leaf", leaf=Leaf(kind="input", key="x"), shapes=[[2, 8, 8, 8]])]
    nodes += [Node(id=i, op="aten.relu.default", args=[{"v": i - 1}], shapes=[[2, 8, 8, 8]]) for i in range(1, count)]
    return Graph(nodes=nodes, output=count - 1)


def test_what_is_too_long_is_not_drawn_and_takes_no_time() -> None:
    """Ten thousand nodes, and a step more than fits."""
    assert drawn(chain(40)) is not None
    assert drawn(chain(41)) is None
    long = chain(10_000)
    began = time.perf_counter()
    assert drawn(long) is None
    assert time.perf_counter() - began < 1


def test_a_circle_is_not_drawn() -> None:
    """A node that is read before it is made."""
    nodes = [
        Node(id=0, op="leaf", leaf=Leaf(kind="input", key="x"), shapes=[[2, 8]]),
        Node(id=1, op="aten.add.Tensor", args=[{"v": 0}, {"v": 2}]),
        Node(id=2, op="aten.relu.default", args=[{"v": 1}]),
    ]
    assert drawn(Graph(nodes=nodes, output=2)) is None


def test_gradients_that_are_no_numbers_are_said_to_be_none() -> None:
    """Infinity and nothing have no place on a scale, and words instead."""
    rows = (
        GradientRow(layer="a", mine=math.inf, reference=1.0),
        GradientRow(layer="b", mine=None, reference=2.0),
        GradientRow(layer="c", mine=None, reference=None),
    )
    (shown,) = pictures_of(Pictures(gradients=GradientPicture(case="c", training=False, rows=rows)), "exercise-1", None)
    assert [["a", "not a number"], ["b", "none"], ["c", "none"]] == [row[:2] for row in shown.rows]
    assert "No gradient arrives at b" in shown.says
    assert "inf" not in shown.panels[0].drawing
    assert "nan" not in shown.panels[0].drawing


def test_an_exercise_without_pictures_has_none() -> None:
    """Essays, functions, and whatever could not be drawn."""
    assert [] == pictures_of(None, "exercise-1", None)
    assert ExerciseReport.model_fields["pictures"].exclude


def test_a_redundant_bias_is_called_after_its_layer() -> None:
    """A right form that has one keeps it under a key of its own."""
    assert layer_of("bias of convolution 0 with p:conv1.weight") == "conv1"
    assert layer_of("bias of convolution 0 with a weight") == ""
