"""The contract of a known mistake: one file in this folder holds one mistake, or one tight family of them.

A *planted* mistake is an edit to the reference. It is diagnosed when the reference with exactly this edit behaves
exactly like the student's code: that is the replay, and the proof. A *noticed* mistake is read off what was seen.

Every mistake carries its own proof: `broken` are sources that must be diagnosed as it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from grader.judge.examined import Examined
from grader.judge.forms import Edit
from grader.judge.observed import Observation
from grader.language import say
from grader.verdict import Lesson, Proof

# A right block and a right bottleneck, as students write them. Mistakes are shown as changes to these.
RESBLOCK = """
import torch
from torch import nn
import torch.nn.functional as F


class ResBlock(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        identity = self.shortcut(x)
        return F.relu(out + identity)
"""
BOTTLENECK = """
import torch
from torch import nn
import torch.nn.functional as F


class Bottleneck(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        width = out_channels // 4
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        identity = self.shortcut(x)
        return F.relu(out + identity)
"""


@dataclass(frozen=True)
class Plant:
    """One way to make a mistake.

    Attributes:
        edits: on each probe the student must behave like one of these. Most mistakes have one; a block that
            chooses by its data has several. An edit leaves a graph alone in which it has nothing to change.
        where: what to point at; see `grader.judge.places`.
        message: words of its own, where the mistake's general ones do not do: a constant, said when it is told.
        values: what its `{names}` stand for.
        is_read: was it read off the code, operation by operation? What explains as much by chance is less likely.
    """

    edits: tuple[Edit, ...]
    where: str = "join"
    message: str = ""
    values: Mapping[str, object] = field(default_factory=dict, compare=False)
    is_read: bool = False

    @property
    def said(self) -> str:
        """Its words for the student; "" where it has none."""
        return say(self.message, **self.values)


def plant(*edits: Edit, where: str = "join", message: str = "", **values: object) -> Plant:
    """A way to make a mistake."""
    return Plant(edits, where, message, values)


class Mistake(ABC):
    """What all mistakes have.

    Its texts are constants, in English: `said` and `lesson` are what a student reads.

    Attributes:
        why: why it matters, in two sentences.
        hints: the concept, where to look, what to change.
        check: the check whose points it costs, where several fail by it; none: the first of them.
    """

    id: ClassVar[str]
    message: ClassVar[str]
    why: ClassVar[str]
    hints: ClassVar[tuple[str, str, str]]
    broken: ClassVar[tuple[str, ...]]
    check: ClassVar[str] = ""

    @property
    def said(self) -> str:
        """Its message in the language of the run."""
        return say(self.message)

    @property
    def lesson(self) -> Lesson:
        """What it teaches, whatever words it was told in."""
        concept, where, what = map(say, self.hints)
        return Lesson(why=say(self.why), hints=(concept, where, what))


class Planted(Mistake):
    """A mistake that can be planted in the reference.

    Attributes:
        of_sum, of_concatenation: do its words fit a block that adds what it computes to its input, and a layer that
            puts it behind?
        chooses: does it do one thing or another by what the block is made for? Where a mistake that does the same in
            all blocks explains as much, that is the simpler one.
    """

    plants: ClassVar[tuple[Plant, ...]]  # ways to make it, the likeliest first
    of_sum: ClassVar[bool] = True
    of_concatenation: ClassVar[bool] = False
    chooses: ClassVar[bool] = False

    def suggested(self, observations: Sequence[Observation]) -> Iterable[Plant]:
        """Further ways, with constants that the student's own graphs show: a factor, a kernel's size, a rate.

        A graph is a self-report: it only says what to try. An edit is the same object whenever its constants are, so
        that what it gives can be kept.
        """
        return ()


@dataclass(frozen=True)
class Notice:
    """A noticed mistake: what it rests on, where it is, and words of its own, said, if the general ones do not do.

    `explains` is False where a mistake that else accounts for all (see `Noticed`) does not.
    """

    proof: Proof
    cell: int | None = None
    line: int | None = None
    message: str = ""
    explains: bool = True


class Noticed(Mistake):
    """A mistake that shows directly.

    Attributes:
        explains: does it account for all that is wrong, so that no planted mistake is looked for?
        rank: is it named before the planted ones that were found, after them, or only where nothing else was?
        covers: checks that fail by it as well, and keep their points where its own check fails.
        of_call: is it about how the module is called? Then it costs its own check and says nothing of the others, for
            which the module is called as it wants to be.
    """

    explains: ClassVar[bool] = True
    rank: ClassVar[Literal["before", "after", "otherwise"]] = "after"
    covers: ClassVar[frozenset[str]] = frozenset()
    of_call: ClassVar[bool] = False

    @abstractmethod
    def notice(self, examined: Examined) -> Notice | None:
        """The evidence, or None."""


def changed(source: str, *changes: tuple[str, str]) -> str:
    """`source` with each (old, new) replaced; every old text must be there."""
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    return source
