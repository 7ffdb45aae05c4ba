"""Layers that are used in two places, which share their weights then."""

from __future__ import annotations

from functools import partial

from grader.graph import Node
from grader.judge.edits import ref
from grader.judge.parts import Block, Edit, edit
from grader.mistakes._families import RESNEXT_PATHS
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Planted, changed, plant
from grader.mistakes._paths import share_paths

ONE_PATH = (
    "All paths have the same layers: one path stands many times in the list (`[path] * n`), or is called again and "
    "again. Each path has weights of its own."
)
NORM = "nn.BatchNorm2d(width)"
OWN = f"\n                {NORM}"
PATHS = "[make_path(in_channels, stride) for _ in range(cardinality)]"


def share(first: int, second: int, *, norm: bool, module: bool) -> Edit:
    """The second convolution is the first one again, and its batch norm too.

    Args:
        module: the whole layer is used again, its stride included, and not only its weight.
    """

    def change(block: Block) -> None:
        for nodes in (block.convolutions, block.norms if norm else []):
            if second < len(nodes):
                one, other = nodes[first], nodes[second]
                behind = one.args[3:] if module or nodes is block.norms else other.args[3:]
                block.editor.change(other.id, args=[other.args[0], *one.args[1:3], *behind])

    return edit(change)


def share_norm(first: int, second: int) -> Edit:
    """The second batch norm is the first one again, also where it is for other channels: there it raises."""

    def change(block: Block) -> None:
        if second < len(block.norms):
            one, other = block.norms[first], block.norms[second]
            block.editor.change(other.id, args=[other.args[0], *one.args[1:]])

    return edit(change)


def repeat_norm(number: int) -> Edit:
    """A batch norm once more on what it gives."""

    def change(block: Block) -> None:
        for norm in block.norms_at(number):
            value = block.output_of(norm)
            again = block.editor.add(norm.op, ref(value), *norm.args[1:], shapes=norm.shapes)
            block.editor.redirect(value, block.editor.add("getitem", ref(again), 0, shapes=[norm.shape]))

    return edit(change)


def share_with_projection(block: Block, number: int) -> None:
    """The projection's batch norm is one of the branch again."""
    if block.projection_norm is not None and block.norms:
        norm = block.norms[number]
        block.editor.change(block.projection_norm.id, args=[block.projection_norm.args[0], *norm.args[1:]])


def share_equal_norms(block: Block) -> None:
    """There is one batch norm for each number of channels, and the projection's is among them."""
    first: dict[int, Node] = {}
    ends = [block.projection_norm] if block.projection_norm is not None else []
    for norm in [*block.norms, *ends]:
        one = first.setdefault(block.editor[norm.id].shape[1], norm)
        block.editor.change(norm.id, args=[norm.args[0], *one.args[1:]])


class LayerShared(Planted):
    id = "layer-shared"
    message = "The same convolution is used twice. Each layer of the branch has weights of its own."
    why = (
        "One layer that is called twice has one set of weights for two jobs. The block has too few parameters, and two "
        "gradients pull at the same numbers."
    )
    hints = (
        "Each `nn.Conv2d(...)` in the constructor is one set of weights. Two layers are two objects.",
        "Look in `forward` for a layer that is called twice, and in the constructor for one object under two names, or "
        "many times in a list: `[path] * n`.",
        "Make another one, such as `self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)`, and "
        "call it. In a list, make each one anew: `[make_path() for _ in range(n)]`.",
    )
    plants = (
        *(
            plant(share(first, second, norm=norm, module=module), where="convolution 1")
            for first, second in ((0, 1), (1, 2), (0, 2))
            for norm in (False, True)
            for module in (True, False)
        ),
        *(
            plant(share_paths(convolutions=True, norms=norms), where="convolution 1", message=ONE_PATH)
            for norms in (True, False)
        ),
    )
    broken = (
        changed(RESBLOCK, ("self.bn2(self.conv2(out))", "self.bn2(self.conv1(out))")),
        changed(RESBLOCK, ("self.bn2(self.conv2(out))", "self.bn1(self.conv1(out))")),
        changed(
            BOTTLENECK.replace(", bias=False", ""),  # it raises, and a bias is missing with the layer
            ("self.bn3(self.conv3(out))", "self.bn1(self.conv1(out))"),
            ("        self.conv3 = nn.Conv2d(width, out_channels, 1)\n", ""),
            ("        self.bn3 = nn.BatchNorm2d(out_channels)\n", ""),
        ),
        changed(RESNEXT_PATHS, (PATHS, "[make_path(in_channels, stride)] * cardinality")),
        changed(
            RESNEXT_PATHS,
            (f"self.paths = nn.ModuleList({PATHS})", "self.path, self.n = make_path(in_channels, stride), cardinality"),
            ("sum(path(x) for path in self.paths)", "self.n * self.path(x)"),
        ),
    )


class BNShared(Planted):
    id = "bn-shared"
    of_concatenation = True
    message = (
        "One batch norm is used in two places. Each convolution needs one of its own: they normalise different values."
    )
    why = (
        "A batch norm keeps averages of the values at its place. Used at two places it mixes the two, and in "
        "evaluation its averages fit neither of them."
    )
    hints = (
        "Scale, shift and averages of a batch norm describe the values behind one convolution. Another convolution "
        "gives other values.",
        "Look for a batch norm that `forward` calls twice, also on the way of the shortcut, and for one object under "
        "two names.",
        "Make one for each convolution: `self.bn1`, `self.bn2`, and one more for a projection.",
    )
    plants = (
        plant(share_norm(0, 1), where="convolution 1"),
        plant(share_norm(1, 2), where="convolution 2"),
        plant(share_norm(0, 2), where="convolution 2"),
        *(
            plant(
                edit(partial(share_with_projection, number=number)),
                where="projection",
                message="The projection uses a batch norm of the branch again. It needs one of its own: they normalise "
                "different values.",
            )
            for number in (-1, 0)
        ),
        *(
            plant(
                repeat_norm(number),
                where=f"convolution {number}",
                message="A batch norm is called twice in a row, the second time on what it has just normalised.",
            )
            for number in (0, 1, 2)
        ),
        plant(
            share_paths(convolutions=False, norms=True),
            where="convolution 1",
            message="The paths share their batch norms. Each path needs its own: they normalise different values.",
        ),
        plant(
            edit(share_equal_norms),
            where="projection",
            message="All batch norms of the same number of channels are one, that of the projection too. Each "
            "convolution needs one of its own: they normalise different values.",
        ),
    )
    broken = (
        changed(
            RESBLOCK,
            ("                nn.BatchNorm2d(out_channels),\n", ""),
            ("identity = self.shortcut(x)", "identity = self.bn2(self.shortcut(x)) if len(self.shortcut) else x"),
        ),
        changed(
            RESBLOCK,
            ("self.bn2(self.conv2(out))", "self.bn1(self.conv2(out))"),
            ("        self.bn2 = nn.BatchNorm2d(out_channels)\n", ""),
        ),
        changed(BOTTLENECK, ("self.bn3(self.conv3(out))", "self.bn2(self.conv3(out))")),
        changed(RESBLOCK, ("self.bn2(self.conv2(out))", "self.bn2(self.bn2(self.conv2(out)))")),
        changed(
            RESNEXT_PATHS,
            (
                "        def make_path",
                "        bn1, bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)\n\n        def make_path",
            ),
            (f"width, 1, bias=False),{OWN}", f"width, 1, bias=False),{OWN.replace(NORM, 'bn1')}"),
            (f"padding=1, bias=False),{OWN}", f"padding=1, bias=False),{OWN.replace(NORM, 'bn2')}"),
        ),
        changed(
            RESBLOCK,
            ("        self.bn2 = nn.BatchNorm2d(out_channels)\n", "        self.bn2 = self.bn1\n"),
            ("                nn.BatchNorm2d(out_channels),\n", "                self.bn1,\n"),
        ),
        changed(  # a factory that remembers what it has made
            BOTTLENECK.replace("nn.BatchNorm2d(", "norms.__getitem__("),
            (
                "        width =",
                "        class Norms(dict):\n"
                "            def __missing__(self, channels):\n"
                "                self[channels] = nn.BatchNorm2d(channels)\n"
                "                return self[channels]\n\n"
                "        norms = Norms()\n"
                "        width =",
            ),
        ),
    )
