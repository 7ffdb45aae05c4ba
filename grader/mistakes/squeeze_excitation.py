"""The layers and functions with which a squeeze-and-excitation gate makes weights of what is squeezed.

Source: Hu et al., "Squeeze-and-Excitation Networks" (2018), section 3.2, equation (3).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from grader.judge.observed import Observation
from grader.mistakes._composed import Composed, in_front_of_products
from grader.mistakes._families import SE, SE_BOTTLENECK
from grader.mistakes._gates import (
    add_biases,
    drop_biases,
    end_with,
    exchange,
    gated,
    instead_of,
    keep_one_layer,
    set_width,
    weigh_positions,
)
from grader.mistakes._hints import few, nodes
from grader.mistakes._mistake import Plant, Planted, changed, plant
from grader.mistakes._se_sources import LAYERS, MEAN, SCALE, WIDTH

OTHERS: dict[str, tuple[object, ...]] = {
    "aten._softmax.default": (1, False),
    "aten.relu.default": (),
    "aten.tanh.default": (),
    "aten.log_sigmoid.default": (),
    "aten.hardsigmoid.default": (),
    "aten.hardtanh.default": (0.0, 1.0),
    "aten.softplus.default": (),
    "aten.exp.default": (),
    "aten.gelu.default": (),
    "aten.leaky_relu.default": (0.01,),
    "aten.silu.default": (),
}
UP_TO_SIX = ("aten.hardtanh.default", 0.0, 6.0)  # as ReLU6 is recorded
BOTH_LAYERS = f"""        self.fc1 = nn.Linear(out_channels, {WIDTH})
        self.fc2 = nn.Linear({WIDTH}, out_channels)
"""
ONCE, TWICE = (Composed(json.dumps([["aten.sigmoid.default", [{"v": i}], {}] for i in range(n)])) for n in (1, 2))


BEHIND_RELU = Composed(json.dumps([["aten.relu.default", [{"v": 0}], {}], ["aten.sigmoid.default", [{"v": 1}], {}]]))


@cache
def weigh_by(function: Composed) -> Plant:
    """The weights made by a function that is composed of several operations."""
    message = (
        "The gate does not end in one sigmoid alone but in these operations: {operations}. One sigmoid gives each "
        "channel a weight between 0 and 1."
    )
    return Plant((end_with(function),), "gate", message, {"operations": ", ".join(function.operations)}, is_read=True)


class GateWrong(Planted):
    id = "se-gate-wrong"
    message = "The gate does not end in a sigmoid, which gives each channel a weight between 0 and 1 of its own."
    why = (
        "A weight between 0 and 1 can turn a channel down or let it pass. Another function gives weights that may be "
        "negative, have no limit, or hang together."
    )
    hints = (
        "The sigmoid treats each channel by itself, so several may be fully open. A softmax would make them share.",
        "Look at the last step of the gate, behind its second layer.",
        "End it with a sigmoid: `s = torch.sigmoid(self.fc2(z))`.",
    )
    plants = (
        plant(instead_of("sigmoid", None), where="gate"),
        *(plant(instead_of("sigmoid", op, *args), where="gate") for op, args in OTHERS.items()),
        plant(instead_of("sigmoid", *UP_TO_SIX), where="gate"),
        weigh_by(TWICE),
        plant(
            end_with(BEHIND_RELU),
            where="gate",
            message="The gate has a ReLU in front of its sigmoid: no weight can be below a half, and no channel be "
            "turned down further.",
        ),
    )
    broken = (
        changed(SE, (SCALE, "return u * torch.sigmoid(z)[:, :, None, None]")),
        changed(SE_BOTTLENECK, ("self.fc(self.avg_pool(x))", "(2 * self.fc(self.avg_pool(x)))")),
        changed(SE, (LAYERS, "z = self.fc2(F.relu(self.fc1(z)))")),
        changed(SE, (LAYERS, "z = torch.softmax(self.fc2(F.relu(self.fc1(z))), dim=1)")),
        changed(SE_BOTTLENECK, ("            nn.Sigmoid(),\n", "            nn.Tanh(),\n")),
        changed(SE_BOTTLENECK, ("            nn.Sigmoid(),\n", "            nn.LogSigmoid(),\n")),
        changed(SE_BOTTLENECK, ("            nn.Sigmoid(),\n", "            nn.Hardsigmoid(),\n")),
        changed(SE_BOTTLENECK, ("            nn.Sigmoid(),\n", "            nn.ReLU(inplace=True),\n")),
        changed(SE, (LAYERS, "z = torch.sigmoid(F.relu(self.fc2(F.relu(self.fc1(z)))))")),
        changed(SE_BOTTLENECK, ("            nn.Sigmoid(),\n", "            nn.ReLU(),\n            nn.Sigmoid(),\n")),
    )

    def suggested(self, observations: Sequence[Observation]) -> Iterable[Plant]:
        return [weigh_by(function) for function in few(in_front_of_products(observations)) if function != ONCE]


class GateOfPositions(Planted):
    id = "se-spatial"
    message = (
        "The gate weighs the positions of the map and not its channels, as spatial attention does. Here each channel "
        "has a weight, which is the same at all positions."
    )
    why = (
        "The gate should say which channels matter, and it looks at the whole map for that. A weight for each position "
        "says where to look, and treats all channels alike."
    )
    hints = (
        "Squeezing leaves one number for each channel, so the weights have the shape (batch, channels, 1, 1).",
        "Print the shape of what you multiply the branch by. Is its channel dimension 1?",
        "Take the mean over height and width, and use two layers: `s = torch.sigmoid(self.fc2(F.relu(self.fc1(z))))`.",
    )
    plants = tuple(
        plant(weigh_positions(kernel, bias=bias), where="gate") for kernel in (7, 1) for bias in (False, True)
    )
    broken = (
        changed(
            SE,
            (BOTH_LAYERS, "        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)\n"),
            (MEAN, "z = torch.cat([u.mean(1, keepdim=True), u.amax(1, keepdim=True)], 1)"),
            (LAYERS, "z = torch.sigmoid(self.conv(z))"),
            (SCALE, "return u * z"),
        ),
        changed(
            SE,
            (BOTH_LAYERS, "        self.conv = nn.Conv2d(2, 1, 3, padding=1)\n"),
            (MEAN, "z = torch.cat([u.mean(1, keepdim=True), u.amax(1, keepdim=True)], 1)"),
            (LAYERS, "z = torch.sigmoid(self.conv(z))"),
            (SCALE, "return u * z"),
        ),
        changed(
            SE_BOTTLENECK,
            ("            nn.Conv2d(channels, channels // reduction, 1),\n            nn.ReLU(inplace=True),\n", ""),
            ("nn.Conv2d(channels // reduction, channels, 1)", "nn.Conv2d(channels, 1, 1)"),
            ("self.fc(self.avg_pool(x))", "self.fc(x)"),
        ),
    )

    def suggested(self, observations: Sequence[Observation]) -> Iterable[Plant]:
        for kernel in few(_of_two_maps(observations)):
            yield from (plant(weigh_positions(kernel, bias=bias), where="gate") for bias in (False, True))


def _of_two_maps(observations: Sequence[Observation]) -> Iterator[int]:
    """Kernels of convolutions that make one map of two."""
    for node, by_id in nodes(observations):
        if node.name == "convolution" and len(node.inputs) > 1:
            shape = by_id[node.inputs[1]].shape
            if shape[:2] == [1, 2] and shape[2:] == shape[2:3] * 2 and shape[2] % 2:
                yield shape[2]


class GateReluMissing(Planted):
    id = "se-relu-missing"
    message = (
        "Between its two layers the gate has no ReLU, or another function. Without one, two layers in a row are one "
        "linear map."
    )
    why = (
        "Two linear layers in a row are one linear layer. Only with a ReLU between them can the gate learn how "
        "channels depend on each other."
    )
    hints = (
        "The gate is a tiny network: narrow, ReLU, widen, sigmoid.",
        "Look between the two layers of the gate. Which function is there, if any?",
        "Put a ReLU there: `self.fc2(F.relu(self.fc1(z)))`.",
    )
    plants = (
        plant(instead_of("relu", None), where="gate"),
        plant(instead_of("relu", "aten.sigmoid.default"), where="gate"),
        plant(instead_of("relu", "aten.tanh.default"), where="gate"),
        plant(instead_of("relu", "aten.leaky_relu.default", 0.01), where="gate"),
        plant(instead_of("relu", "aten.gelu.default"), where="gate"),
        plant(instead_of("relu", "aten.silu.default"), where="gate"),
        plant(instead_of("relu", "aten.elu.default"), where="gate"),
        plant(instead_of("relu", *UP_TO_SIX), where="gate"),
    )
    broken = (
        changed(SE, (LAYERS, "z = torch.sigmoid(self.fc2(self.fc1(z)))")),
        changed(SE_BOTTLENECK, ("            nn.ReLU(inplace=True),\n", "")),
        changed(SE_BOTTLENECK, ("nn.ReLU(inplace=True)", "nn.SiLU()")),
    )


class GateExchanged(Planted):
    id = "se-functions-exchanged"
    message = (
        "ReLU and sigmoid of the gate are exchanged: the ReLU belongs between its two layers, the sigmoid at its end."
    )
    why = (
        "Behind a ReLU the weights have no upper limit, and those of many channels are exactly zero. A sigmoid between "
        "the layers saturates and lets little gradient through, where a ReLU would pass it on."
    )
    hints = (
        "The gate has two functions, and each has its place: one makes the layers more than a linear map, the other "
        "makes weights between 0 and 1.",
        "Read the steps of the gate aloud: mean, first layer, which function? Second layer, which function?",
        "Swap them: `s = torch.sigmoid(self.fc2(F.relu(self.fc1(z))))`.",
    )
    plants = (plant(gated(exchange), where="gate"),)
    broken = (
        changed(SE, (LAYERS, "z = F.relu(self.fc2(torch.sigmoid(self.fc1(z))))")),
        changed(
            SE_BOTTLENECK,
            ("            nn.ReLU(inplace=True),\n", "            nn.Sigmoid(),\n"),
            ("            nn.Sigmoid(),\n        )", "            nn.ReLU(inplace=True),\n        )"),
        ),
    )


class WrongReduction(Planted):
    id = "se-wrong-reduction"
    message = "The gate narrows to another width than its channels divided by the reduction."
    why = (
        "The narrow middle of the gate sets its size and its cost. With another width the number of weights is not "
        "that of the task."
    )
    hints = (
        "The first layer goes from C channels to C divided by the reduction, the second one back to C.",
        "Look at the number between the two layers of the gate, and at what the block does with its argument "
        "`reduction`.",
        "Use the channels of the branch's result: `nn.Linear(out_channels, out_channels // reduction)`.",
    )
    plants = tuple(
        plant(set_width(width), where="gate")
        for width in (
            lambda into, out, right: out,
            lambda into, out, right: out // right,
            lambda into, out, right: into * right // out,
            lambda into, out, right: right // 4,
            *((lambda into, out, right, r=r: max(1, out // r)) for r in (16, 2, 4, 8, 32)),
            lambda into, out, right: out // 16,  # of few channels none is left
            *((lambda into, out, right, n=n: right * n) for n in (2, 4)),
            lambda into, out, right: right // 2,
        )
    )
    broken = (
        changed(SE, (WIDTH, "out_channels // 2")),
        changed(SE, (WIDTH, "reduction")),
        changed(SE, (WIDTH, "max(1, out_channels // 16)")),
        changed(SE_BOTTLENECK, ("channels // reduction", "channels")),
    )


class GateWithoutBias(Planted):
    id = "se-without-bias"
    message = "The layers of the gate have no bias; here they have one."
    why = (
        "No batch norm follows the layers of the gate, so here a bias is not in vain. It sets how far open a gate is "
        "when the mean of its channel is zero."
    )
    hints = (
        "Convolutions in front of a batch norm do without a bias. The layers of the gate are not in front of one.",
        "Look at `bias` in the two layers of the gate.",
        "Leave `bias=False` out there: `nn.Linear(out_channels, out_channels // reduction)`.",
    )
    plants = (plant(drop_biases(0, 1), where="gate"),)
    broken = (
        changed(
            SE_BOTTLENECK,
            ("channels // reduction, 1)", "channels // reduction, 1, bias=False)"),
            ("reduction, channels, 1)", "reduction, channels, 1, bias=False)"),
        ),
    )


class GateBiasInOne(Planted):
    id = "se-bias-in-one"
    message = "One layer of the gate has a bias and the other has none; here they are alike."
    why = (
        "Both layers of the gate do the same kind of work, and in the task they are alike. With one bias less the "
        "number of parameters is wrong."
    )
    hints = (
        "A linear layer has a bias unless it is told otherwise. In this gate both layers keep theirs.",
        "Compare the two layers of the gate: which of them has `bias=False`?",
        "Make them alike, with a bias each: `nn.Linear(out_channels // reduction, out_channels)`.",
    )
    plants = (
        *(plant(drop_biases(number), where="gate") for number in (0, 1)),
        *(plant(add_biases(number), where="gate") for number in (0, 1)),
    )
    broken = (
        changed(SE, (f"{WIDTH})", f"{WIDTH}, bias=False)")),
        changed(SE_BOTTLENECK, ("channels // reduction, 1)", "channels // reduction, 1, bias=False)")),
    )


class GateOneLayer(Planted):
    id = "se-one-layer"
    message = "The gate has one layer. It has two, with a ReLU between them: they narrow, then widen again."
    why = (
        "With one layer each gate is a plain weighted sum, and there are far too many weights. Two layers with a "
        "narrow middle cost less and can learn more."
    )
    hints = (
        "The gate narrows to a few numbers, applies a ReLU, and widens again.",
        "Count the layers between the mean and the sigmoid.",
        "Use two: `self.fc1 = nn.Linear(out_channels, out_channels // reduction)` and `self.fc2 = "
        "nn.Linear(out_channels // reduction, out_channels)`.",
    )
    plants = (plant(gated(keep_one_layer), where="gate"),)
    broken = (
        changed(
            SE,
            (LAYERS, "z = torch.sigmoid(self.fc1(z))"),
            (f"nn.Linear(out_channels, {WIDTH})", "nn.Linear(out_channels, out_channels)"),
            (f"        self.fc2 = nn.Linear({WIDTH}, out_channels)\n", ""),
        ),
    )
