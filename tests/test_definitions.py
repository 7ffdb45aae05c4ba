"""What of a notebook is run: all that makes a definition what it is, and no training."""

from __future__ import annotations

from pathlib import Path

import pytest
from judging import judge
from walls import graded, grading

from grader.mistakes._mistake import RESBLOCK, changed
from grader.verdict import Proof

HEAD = RESBLOCK[: RESBLOCK.index("class ResBlock")]
BODY = RESBLOCK[RESBLOCK.index("        out = F.relu(") :].replace("\n        ", "\n    ")[4:]
UNFINISHED = RESBLOCK[: RESBLOCK.index("        out = F.relu(")] + "        raise NotImplementedError\n"
FORWARD = f"\n\ndef forward(self, x):\n{BODY}"
# What puts the function `forward` into the class ResBlock.
PUT = "\ndef put(f, into):\n    setattr(into, f.__name__, f)\n"
OF = "\ndef of(cls):\n    return lambda f: setattr(cls, f.__name__, f)\n\n\n@of(cls=ResBlock)"
PATCH = "\ndef patch(f):\n    setattr(f.__annotations__['self'], f.__name__, f)\n    return f\n\n\n@patch"
STEP = "\ndef step(cls):\n    cls.forward = forward\n    return cls\n\n"
PATCHES = {
    "setattr": f"{FORWARD}\nsetattr(ResBlock, 'forward', forward)\n",
    "setattr in a loop": f"{FORWARD}\nfor name in ('forward', 'run'):\n    setattr(ResBlock, name, forward)\n",
    "type.__setattr__": f"{FORWARD}\ntype.__setattr__(ResBlock, 'forward', forward)\n",
    "a function": f"\ndef put(cls, f):\n    cls.forward = f\n\n{FORWARD}\nput(ResBlock, forward)\n",
    "a function, by name": f"{PUT}\n{FORWARD}\nput(forward, into=ResBlock)\n",
    "a decorator, by name": OF + FORWARD[1:],
    "the annotation of self": PATCH + FORWARD[1:].replace("(self, x)", "(self: ResBlock, x)"),
    "exec": f"{FORWARD}\nexec('ResBlock.forward = forward')\n",
    "a function that is called like work": f"{STEP}{FORWARD}\nResBlock = step(ResBlock)\n",
}
SIZE = changed(RESBLOCK, ("out_channels, 3, stride=stride", "out_channels, SIZE['conv']['k'], stride=stride"))
SETTINGS = {
    "a method of an item": "SIZE = {'conv': {'k': 5}}\nSIZE['conv'].update(k=3)\n",
    "a function": "SIZE = {'conv': {'k': 5}}\n\ndef fix(found):\n    found['conv']['k'] = 3\n\nfix(SIZE)\n",
    "a global": "def choose():\n    global SIZE\n    SIZE = {'conv': {'k': 3}}\n\nchoose()\n",
}


@pytest.mark.parametrize("patch", PATCHES.values(), ids=PATCHES)
def test_what_is_put_into_a_class_later_counts(patch: str) -> None:
    """The unfinished class is made right by what follows it; a right one is spoilt by the same."""
    assert judge(UNFINISHED + patch, "resblock").correct
    spoilt = judge(RESBLOCK + patch.replace("out + identity", "out"), "resblock")
    assert ["shortcut-missing"] == [found.mistake for found in spoilt.diagnoses if found.proof is Proof.REPLAYED]


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_what_a_definition_reads_is_as_it_was_left(setting: str) -> None:
    """However the notebook came to it."""
    assert judge(HEAD + setting + SIZE, "resblock").correct
    assert not judge(HEAD + setting.replace("3", "1") + SIZE, "resblock").correct


def test_what_stands_in_for_a_function_of_torch_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The class need not name the module into which it was put."""
    import torch.nn.functional

    monkeypatch.setattr(torch.nn.functional, "relu", torch.nn.functional.relu)  # to be put back
    source = RESBLOCK.replace("F.relu", "relu").replace(
        "class ResBlock", "def relu(x):\n    return NAMES.relu(x)\n\n\nclass ResBlock"
    )
    module = f"import torch.nn.functional as NAMES\n{source}"
    assert judge(module, "resblock").correct
    assert not judge(f"{module}\nNAMES.relu = NAMES.gelu\n", "resblock").correct


def test_annotations_are_read_as_python_reads_them() -> None:
    """Code that looks into them finds classes; a name that is nowhere else does no harm."""
    inspected = "\nassert ResBlock.forward.__annotations__['x'] is torch.Tensor\nResBlock.scale = 1.0\n"
    typed = changed(RESBLOCK, ("def forward(self, x)", "def forward(self, x: torch.Tensor)"))
    assert judge(typed + inspected.replace("assert", "ResBlock.ok ="), "resblock").correct
    assert judge(changed(RESBLOCK, ("def forward(self, x)", "def forward(self, x: Missing)")), "resblock").correct


def test_the_rest_is_run_where_the_definitions_are_unfinished(tmp_path: Path) -> None:
    """By whatever way a later cell finishes them."""
    with grading() as grader:
        late = f"{FORWARD}\ntypes = {{'ResBlock': ResBlock}}\nfor each in types.values():\n    each.forward = forward\n"
        report = graded(grader, tmp_path, UNFINISHED, late)
    assert next(each for each in report.exercises if each.id == "resblock").correct
    assert ["Every cell was run, because the definitions alone were not enough."] == report.repairs


@pytest.mark.parametrize(
    ("gives", "mistakes"),
    [("None", ["output-missing"]), ("[]", []), ("print", []), ("type('Block', (), {})()", ["not-a-module"])],
)
def test_of_what_a_function_gives_no_class_is_blamed(gives: str, mistakes: list[str]) -> None:
    """Unless it is a class of the student's."""
    source = f"def ResBlock(in_channels, out_channels, stride=1):\n    return {gives}"
    assert mistakes == [diagnosis.mistake for diagnosis in judge(source, "resblock").diagnoses]
