"""Another normalisation than batch norm with its defaults.

Source: Wu and He, "Group Normalization" (2018), section 3, for how the kinds differ: over what they take the mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from grader.graph import Node
from grader.judge.edits import ref
from grader.judge.observed import Observation
from grader.judge.parts import Block, Edit, edit
from grader.judge.widths import groups_of
from grader.mistakes._families import RESNEXT
from grader.mistakes._hints import few, nodes
from grader.mistakes._mistake import BOTTLENECK, RESBLOCK, Plant, Planted, changed, plant

WHICH = ("all", "branch", "projection")
SOME = ("inner", "outer")  # those of one width: between the convolutions of the branch, or of its result
EACH = (0, 1, 2)  # one norm of the branch alone
DEFAULT_EPSILON = 1e-5
OVER_ALL_CHANNELS = (
    "The normalisation takes the mean over all channels of a sample (group norm with one group, or layer norm); the "
    "task asks for batch norm, which takes it over the batch for each channel."
)
OVER_GROUPS = (
    "There is group norm instead of batch norm: it takes the mean over groups of channels of one sample; the task asks "
    "for batch norm, which takes it over the batch for each channel."
)

SOME_WITHOUT_AFFINE = (
    "Some of the batch norms have no scale and shift (affine=False); the task's have both, and they are learned."
)
SOME_WITHOUT_STATISTICS = (
    "Some of the batch norms keep no running statistics (track_running_stats=False): in evaluation mode the answer for "
    "one image depends on the others in its batch."
)
OF_ALL = "The batch norms add {epsilon} to the variance; the task asks for PyTorch's default, eps=1e-5."
OF_SOME = (
    "Some of the batch norms add {epsilon} to the variance; the task asks for PyTorch's default, eps=1e-5, in all of "
    "them."
)
CHANNELS_LAST = """
from torch import nn


class ChannelNorm(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
"""


def _norms(block: Block, which: str | int) -> list[Node]:
    """The batch norms of the "branch", of the "projection", or "all"; those of the branch but for the last ("inner"),
    or that and the projection's ("outer"); or the one of the branch with this number."""
    if isinstance(which, int):
        return block.norms_at(which)
    if len(block.norm_rows) > 2 and which in SOME:
        rows = block.norm_rows[:-1] if which == "inner" else block.norm_rows[-1:]
    else:
        rows = []
    projection = [block.projection_norm] if block.projection_norm is not None else []
    some = [norm for row in rows for norm in row]
    if which in SOME:
        return [*some, *projection] if which == "outer" and some else some
    return {"branch": block.norms, "projection": projection, "all": [*block.norms, *projection]}[which]


def _replace(block: Block, norm: Node, op: str, *args: object) -> None:
    """Another operation, which gives one value, instead of a batch norm."""
    result = block.output_of(norm)
    block.editor.change(norm.id, op=op, args=[norm.args[0], *args], shapes=[norm.shape])
    block.editor.redirect(result, norm.id)


@cache
def group(which: str | int, *, groups: int | None = None, size: int | None = None, affine: bool = True) -> Plant:
    """Group norm, with a number of groups or with a number of channels in each; without either with as many groups as
    the branch has paths."""

    def change(block: Block) -> None:
        for norm in _norms(block, which):
            number = groups or (_paths(block) if size is None else max(1, norm.shape[1] // size))
            weights = norm.args[1:3] if affine else [None, None]
            _replace(block, norm, "aten.group_norm.default", number, *weights, DEFAULT_EPSILON, False)

    return plant(edit(change), where=_where(which), message=OVER_ALL_CHANNELS if groups == 1 else OVER_GROUPS)


def _paths(block: Block) -> int:
    """Into how many groups the branch's convolutions are divided."""
    return max((groups_of(node) for node in block.convolutions), default=1)


def instance(which: str | int, *, affine: bool) -> Plant:
    """Instance norm, which always uses the sample's own statistics."""

    def change(block: Block) -> None:
        for norm in _norms(block, which):
            weights = norm.args[1:3] if affine else [None, None]
            _replace(block, norm, "aten.instance_norm.default", *weights, None, None, True, 0.1, DEFAULT_EPSILON, False)

    message = (
        "There is instance norm instead of batch norm: it takes the mean over each channel of one sample; batch norm "
        "takes it over the whole batch."
    )
    return plant(edit(change), where=_where(which), message=message)


@cache
def layer(epsilon: float) -> Plant:
    """Layer norm over the channels of each pixel, which have to stand last for it."""

    def change(block: Block) -> None:
        for norm in _norms(block, "all"):
            batch, channels, *space = norm.shape
            shape, rank = [batch, *space, channels], len(norm.shape)
            last = block.editor.add("aten.permute.default", norm.args[0], [0, *range(2, rank), 1], shapes=[shape])
            weights = norm.args[1:3]
            normed = block.editor.add(
                "aten.native_layer_norm.default",
                ref(last),
                [channels],
                *weights,
                epsilon,
                shapes=[shape, [*shape[:3], 1], [*shape[:3], 1]],
            )
            first = block.editor.add("getitem", ref(normed), 0, shapes=[shape])
            order = [0, rank - 1, *range(1, rank - 1)]
            back = block.editor.add("aten.permute.default", ref(first), order, shapes=[norm.shape])
            block.editor.redirect(block.output_of(norm), back)

    message = (
        "There is layer norm instead of batch norm: it takes the mean over the channels of each pixel; the task asks "
        "for batch norm, which takes it over the batch for each channel."
    )
    return plant(edit(change), where="convolution 0", message=message)


def strip(which: str | int, *, affine: bool, statistics: bool) -> Edit:
    """Batch norms without learned scale and shift, or without running statistics."""

    def change(block: Block) -> None:
        for norm in _norms(block, which):
            args = list(norm.args)
            if not affine:
                args[1:3] = [None, None]
            if not statistics:
                args[3:6] = [None, None, True]
            block.editor.change(norm.id, args=args)

    return edit(change)


@cache
def add_epsilon(epsilon: float, which: str | int = "all") -> Plant:
    """Another number that is added to the variance."""

    def change(block: Block) -> None:
        for norm in _norms(block, which):
            block.editor.set_argument(norm.id, 7, epsilon)

    message = OF_ALL if which == "all" else OF_SOME
    return plant(edit(change), where=_where(which), message=message, epsilon=f"{epsilon:g}")


def _where(which: str | int) -> str:
    if isinstance(which, int):
        return f"convolution {which}"
    return "projection" if which == "projection" else "convolution 0"


class WrongNormalisation(Planted):
    id = "wrong-normalisation"
    of_concatenation = True
    message = "There is another normalisation than batch norm."
    why = (
        "Which values share one mean decides what a network can still tell apart. The results of the paper rest on "
        "batch norm, and with another kind they do not carry over."
    )
    hints = (
        "Batch norm takes the mean of a channel over the whole batch. Layer, group and instance norm stay within one "
        "picture.",
        "Search the constructor for `GroupNorm`, `LayerNorm` and `InstanceNorm2d`, and `forward` for means that you "
        "take by hand.",
        "Use `nn.BatchNorm2d(channels)`, with the number of channels that the layer before it gives.",
    )
    plants = (
        *(group(which, groups=groups) for groups in (1, 2, 4, 8, 32) for which in WHICH),
        *(instance(which, affine=affine) for affine in (False, True) for which in WHICH),
        *(group(which, groups=1, affine=False) for which in WHICH),
        *(group(which, groups=groups) for groups in (1, 4) for which in SOME),
        *(instance(which, affine=affine) for affine in (False, True) for which in SOME),
        *(group(which) for which in (*WHICH, *SOME)),
        *(instance(which, affine=True) for which in EACH),
        *(group(which, groups=groups) for groups in (1, 4) for which in EACH),
        layer(DEFAULT_EPSILON),
        layer(1e-6),
    )
    broken = (
        changed(RESBLOCK, ("nn.BatchNorm2d(out_channels)", "nn.GroupNorm(4, out_channels)")),
        changed(RESBLOCK, ("nn.BatchNorm2d(", "nn.InstanceNorm2d(")),
        changed(RESBLOCK, ("nn.BatchNorm2d(out_channels)", "nn.GroupNorm(out_channels // 2, out_channels)")),
        changed(
            BOTTLENECK,
            ("nn.BatchNorm2d(width)", "nn.GroupNorm(1, width)"),
            ("nn.BatchNorm2d(out_channels)", "nn.GroupNorm(1, out_channels)"),
        ),
        changed(RESBLOCK, ("self.bn2 = nn.BatchNorm2d(", "self.bn2 = nn.InstanceNorm2d(affine=True, num_features=")),
        changed(BOTTLENECK, ("self.bn3 = nn.BatchNorm2d(", "self.bn3 = nn.GroupNorm(1, ")),
        changed(RESNEXT, ("nn.BatchNorm2d(width)", "nn.GroupNorm(cardinality, width)")),
        changed(BOTTLENECK, ("nn.BatchNorm2d(out_channels)", "nn.GroupNorm(4, out_channels)")),
        CHANNELS_LAST + changed(RESBLOCK, ("nn.BatchNorm2d(", "ChannelNorm(")),
        CHANNELS_LAST + changed(BOTTLENECK, ("nn.BatchNorm2d(", "ChannelNorm(eps=1e-6, normalized_shape=")),
    )

    def suggested(self, observations: Sequence[Observation]) -> Iterable[Plant]:
        for groups, channels in few(_groups(observations)):
            for which in (*WHICH, *SOME):
                yield group(which, groups=groups)
                yield group(which, size=channels // groups)


def _groups(observations: Sequence[Observation]) -> Iterator[tuple[int, int]]:
    """Groups and channels of group norms."""
    for node, _ in nodes(observations):
        if node.name == "native_group_norm" and len(node.args) > 6:
            channels, groups = node.args[4], node.args[6]
            if isinstance(channels, int) and isinstance(groups, int) and channels >= groups > 0:
                yield groups, channels


class BNWithoutAffine(Planted):
    id = "bn-without-affine"
    of_concatenation = True
    message = "The batch norms have no scale and shift (affine=False); the task's have both, and they are learned."
    why = (
        "After it has normalised, a batch norm multiplies by a learned scale and adds a learned shift. Without the two "
        "every channel is forced to mean 0 and spread 1, whether that helps or not."
    )
    hints = (
        "Each channel has these two numbers. They are the weights of the batch norm, and it makes them unless you "
        "forbid it.",
        "Look at the arguments of each `nn.BatchNorm2d` in the constructor.",
        "Leave `affine` out: `nn.BatchNorm2d(out_channels)`.",
    )
    plants = (
        plant(strip("all", affine=False, statistics=True), where=_where("all")),
        *(
            plant(strip(which, affine=False, statistics=True), where=_where(which), message=SOME_WITHOUT_AFFINE)
            for which in ("branch", "projection", *EACH)
        ),
    )
    broken = (
        changed(
            RESBLOCK, ("self.bn1 = nn.BatchNorm2d(out_channels", "self.bn1 = nn.BatchNorm2d(out_channels, affine=False")
        ),
        changed(RESBLOCK, ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(out_channels, affine=False)")),
        changed(
            RESBLOCK,
            (
                "                nn.BatchNorm2d(out_channels)",
                "                nn.BatchNorm2d(out_channels, affine=False)",
            ),
        ),
    )


class BNWithoutStatistics(Planted):
    id = "bn-without-statistics"
    of_concatenation = True
    message = (
        "The batch norms keep no running statistics (track_running_stats=False): in evaluation mode the answer for one "
        "image depends on the others in its batch."
    )
    why = (
        "With no averages kept, the layer has to use the batch in evaluation, too. The answer for one picture then "
        "changes with the pictures beside it."
    )
    hints = (
        "In training a batch norm keeps running averages of the means and spreads it meets. They are there for "
        "evaluation.",
        "Look at the arguments of each `nn.BatchNorm2d`, and for means that `forward` computes itself.",
        "Leave `track_running_stats` out: `nn.BatchNorm2d(out_channels)`.",
    )
    plants = tuple(
        plant(
            strip(which, affine=affine, statistics=False),
            where=_where(which),
            message="" if which == "all" else SOME_WITHOUT_STATISTICS,
        )
        for affine in (True, False)
        for which in (*WHICH, *EACH)
    )
    broken = (
        changed(RESBLOCK, ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(out_channels, track_running_stats=False)")),
        changed(
            RESBLOCK,
            (
                "self.bn1 = nn.BatchNorm2d(out_channels",
                "self.bn1 = nn.BatchNorm2d(out_channels, track_running_stats=False",
            ),
        ),
    )


class WrongEpsilon(Planted):
    id = "wrong-epsilon"
    of_concatenation = True
    message = "The batch norms add another number to the variance than PyTorch's default, eps=1e-5."
    why = (
        "A small number keeps the division safe where a channel hardly changes. Another number moves all outputs a "
        "little, so they are not those of the reference."
    )
    hints = (
        "Batch norm divides by the root of the variance plus eps. In PyTorch eps is 1e-5, in Keras it is 1e-3.",
        "Look at the arguments of each `nn.BatchNorm2d`: the second one is eps. Or does your own formula have such a "
        "number?",
        "Leave it out, or write `nn.BatchNorm2d(out_channels, eps=1e-5)`.",
    )
    plants = (
        *map(add_epsilon, (1e-3, 1e-6, 1e-8, 1.001e-5, 0.0)),
        *(add_epsilon(1e-3, which) for which in ("branch", "projection", 0)),
    )
    broken = (
        changed(RESBLOCK, ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(out_channels, eps=1e-3)")),
        changed(RESBLOCK, ("nn.BatchNorm2d(out_channels)", "nn.BatchNorm2d(out_channels, 3e-4)")),
        changed(RESBLOCK, ("bn2 = nn.BatchNorm2d(out_channels)", "bn2 = nn.BatchNorm2d(out_channels, 1e-3)")),
        changed(
            RESBLOCK,
            ("                nn.BatchNorm2d(out_channels)", "                nn.BatchNorm2d(out_channels, eps=0.01)"),
        ),
        changed(
            BOTTLENECK,
            ("nn.BatchNorm2d(width)", "nn.BatchNorm2d(width, eps=1e-3)"),
            ("bn3 = nn.BatchNorm2d(out_channels)", "bn3 = nn.BatchNorm2d(out_channels, eps=1e-3)"),
        ),
    )

    def suggested(self, observations: Sequence[Observation]) -> Iterable[Plant]:
        found = few(_epsilons(observations))
        return [add_epsilon(epsilon, which) for which in (*WHICH, 0, 1, 2) for epsilon in found]


def _epsilons(observations: Sequence[Observation]) -> Iterator[float]:
    """Numbers that batch norms, or hand-written code, add to a variance."""
    for node, _ in nodes(observations):
        candidates = {"native_batch_norm": node.args[7:8], "add": node.args[1:2]}.get(node.name, [])
        for value in candidates:
            if isinstance(value, float) and 0 <= value <= 0.1 and value != DEFAULT_EPSILON:
                yield value
