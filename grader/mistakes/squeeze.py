"""Squeeze-and-excitation gates that are missing, misplaced, or made of the wrong parts.

Source: Hu et al., "Squeeze-and-Excitation Networks" (2018), sections 3.1 and 3.2, equations (2) to (4); section 6.5 for
other places of the gate.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from grader.judge.observed import Observation
from grader.mistakes._composed import Composed, in_front_of_products
from grader.mistakes._families import SE, SE_BOTTLENECK
from grader.mistakes._gates import (
    activate_gated,
    add_biases,
    add_value,
    combine,
    drop_biases,
    end_with,
    exchange,
    excite_both,
    gate_behind,
    gate_shortcut,
    gated,
    give_factor,
    instead_of,
    keep_one_layer,
    leave_out,
    scale_again,
    scale_behind,
    scale_projection,
    scale_shortcut,
    set_width,
    squeeze_both,
    squeeze_by,
    squeeze_input,
    squeeze_other,
    squeeze_over,
    weigh_positions,
)
from grader.mistakes._hints import few, nodes
from grader.mistakes._mistake import Plant, Planted, changed, plant

USE = "        out = self.gate(out)\n"
SUM = "return F.relu(out + identity)"
MEAN = "z = u.mean((2, 3))"
LAYERS = "z = torch.sigmoid(self.fc2(F.relu(self.fc1(z))))"
SCALE = "return u * z[:, :, None, None]"
WIDTH = "out_channels // reduction"
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
BOTH = (
    "The squeeze takes the largest value of each channel, too, as the channel attention of CBAM does (Woo 2018). The "
    "task asks for the mean alone."
)
TWO_PATHS = "self.fc(F.adaptive_max_pool2d(x, 1)) + self.fc(self.avg_pool(x))"


@cache
def weigh_by(function: Composed) -> Plant:
    """The weights made by a function that is composed of several operations."""
    message = (
        "The gate does not end in one sigmoid alone but in these operations: {operations}. One sigmoid gives each "
        "channel a weight between 0 and 1."
    )
    return Plant((end_with(function),), "gate", message, {"operations": ", ".join(function.operations)}, is_read=True)


class GateMissing(Planted):
    id = "se-gate-missing"
    message = (
        "The squeeze-and-excitation gate is missing, or its result is not used: the branch is added as it is. It must "
        "be multiplied by the gate first."
    )
    why = (
        "The gate is what this block is about: it tells which channels matter for the picture at hand. Without it this "
        "is a plain residual block."
    )
    hints = (
        "Squeeze: one mean for each channel. Excite: two small layers and a sigmoid, which give one weight for each "
        "channel.",
        "Look between the last batch norm and the sum. Is the gate computed there, and is its result used?",
        "Multiply the branch by it in front of the sum: `out = out * s`, where `s` has the shape (batch, channels, 1, "
        "1).",
    )
    plants = (plant(gated(leave_out)),)
    broken = (
        changed(SE, (USE, "")),
        changed(SE, (USE, "        self.gate(out)\n")),
        changed(
            SE_BOTTLENECK,
            ("        out = self.se(out)\n", ""),
            ("        self.se = SELayer(out_channels, reduction)\n", ""),
        ),
    )


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


class SqueezeWrong(Planted):
    id = "se-squeeze-wrong"
    message = "The squeeze is not the mean of each channel: it must be global average pooling."
    why = (
        "The gate should know how strong each channel is over the whole map. The largest value, or a sum, tells it "
        "something else, and a sum also grows with the size of the map."
    )
    hints = (
        "Squeezing is global average pooling: the mean over height and width, one number for each channel.",
        "Look at the first step of the gate. What is taken over height and width?",
        "Take the mean: `z = out.mean((2, 3))`, or use `nn.AdaptiveAvgPool2d(1)`.",
    )
    plants = (
        plant(squeeze_by("aten.amax.default"), where="gate"),
        plant(squeeze_by("aten.sum.dim_IntList"), where="gate"),
        plant(squeeze_by("aten.amin.default"), where="gate"),
        plant(squeeze_by("aten.std.dim"), where="gate"),
        *(plant(gated(both), where="gate", message=BOTH) for both in (excite_both, squeeze_both)),
        *(
            plant(
                squeeze_over(dimension),
                where="gate",
                message="The mean is taken over one of height and width. It is taken over both.",
            )
            for dimension in (2, 3)
        ),
        plant(
            squeeze_over(0, 2, 3),
            where="gate",
            message="The mean is taken over the images of the batch, too. Each image has a gate of its own.",
        ),
    )
    broken = (
        changed(SE, (MEAN, "z = u.amax((2, 3))")),
        changed(SE, (MEAN, "z = u.sum(dim=(-2, -1))")),
        changed(SE_BOTTLENECK, ("nn.AdaptiveAvgPool2d(1)", "nn.AdaptiveMaxPool2d(1)")),
        changed(
            SE_BOTTLENECK,
            ("            nn.Sigmoid(),\n", ""),
            ("self.fc(self.avg_pool(x))", f"torch.sigmoid({TWO_PATHS})"),
        ),
        changed(SE, (MEAN, "z = u.mean((2, 3)) + u.amax((2, 3))")),
        changed(SE_BOTTLENECK, ("self.avg_pool(x)", "x.mean(3, keepdim=True)")),
        changed(SE, (MEAN, "z = u.mean((0, 2, 3)).expand(len(u), -1)")),
    )


class SqueezeMissing(Planted):
    id = "se-squeeze-missing"
    message = (
        "Nothing is squeezed: each position of the map has a gate of its own. The gate is computed from the mean of "
        "each channel over the whole map."
    )
    why = (
        "Without squeezing each pixel gets a gate of its own and knows nothing of the rest. The gate should decide "
        "about a whole channel, from the whole map."
    )
    hints = (
        "First the map is boiled down to one number for each channel. Then the gate is computed from those numbers.",
        "Look at what goes into the first layer of the gate. Does it still have a height and a width?",
        "Take the mean first: `z = out.mean((2, 3))`, and widen the result again with `s[:, :, None, None]`.",
    )
    plants = (plant(squeeze_over(), where="gate"),)
    broken = (changed(SE_BOTTLENECK, ("self.fc(self.avg_pool(x))", "self.fc(x)")),)


class GateAdded(Planted):
    id = "se-gate-added"
    message = "The gate is not (only) multiplied with the branch: u · s is what is added to the shortcut."
    why = (
        "A gate that is added moves a channel up but cannot turn it off. Multiplying by a number between 0 and 1 can "
        "do just that."
    )
    hints = (
        "The weights scale the channels: u · s. The result takes the place of u, and is added to the shortcut.",
        "Look at the line in which the gate meets the branch. Is there a plus, or is the branch added once more?",
        "Multiply, and only that: `out = out * s`.",
    )
    plants = (
        plant(combine("aten.add.Tensor"), where="gate"),
        plant(gated(add_value), where="gate"),
        plant(combine("aten.sub.Tensor"), where="gate"),
        plant(combine("aten.div.Tensor"), where="gate"),
        plant(gated(scale_again), where="gate", message="The gate is multiplied in twice: once is enough."),
        plant(
            gated(give_factor),
            where="gate",
            message="What is added to the shortcut are the weights of the gate. They belong to the branch: u · s.",
        ),
    )
    broken = (
        changed(SE, (SCALE, "return u + z[:, :, None, None]")),
        changed(SE, (SCALE, "return u + u * z[:, :, None, None]")),
        changed(SE_BOTTLENECK, ("return x * self.fc", "return x + self.fc")),
        changed(SE, (SCALE, "return z[:, :, None, None].expand_as(u)")),
        changed(SE, (SCALE, "return u * z[:, :, None, None] ** 2")),
    )


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


class GateFromInput(Planted):
    id = "se-gate-from-input"
    message = "The gate is computed from the block's input. It squeezes what it scales: the branch."
    why = (
        "The gate should judge what the branch has found, and not what came into the block. The input may have other "
        "channels, which say little about the result."
    )
    hints = (
        "Squeeze and scale work on one and the same tensor: the result of the branch.",
        "Look at what the mean is taken of at the start of the gate. Is it `x`, or the result of the last batch norm?",
        "Compute it from the branch: `z = out.mean((2, 3))`.",
    )
    plants = (
        plant(gated(squeeze_input), where="gate"),
        plant(
            squeeze_other(lambda block: block.parts.shortcut),
            where="gate",
            message="The gate is computed from the shortcut. It squeezes what it scales: the branch.",
        ),
    )
    broken = (
        changed(
            SE,
            (USE, "        out = self.gate(out, x)\n"),
            ("def gate(self, u):", "def gate(self, u, x):"),
            (MEAN, "z = x.mean((2, 3))"),
            (f"self.fc1 = nn.Linear(out_channels, {WIDTH})", f"self.fc1 = nn.Linear(in_channels, {WIDTH})"),
        ),
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


class GateAfterAdd(Planted):
    id = "se-after-add"
    message = (
        "The gate comes after the addition, so that it scales the shortcut too. It belongs on the branch, before the "
        "addition."
    )
    why = (
        "Behind the sum the gate turns down the shortcut, too, and x does not get through whole any more. It should "
        "weigh only what the branch adds."
    )
    hints = (
        "Branch, gate, sum, ReLU: the gate is the last step of the branch.",
        "Look at the order of the last lines in `forward`. Does the sum come before the gate?",
        "Move the gate up: `out = self.gate(out)`, and then `F.relu(out + shortcut)`.",
    )
    plants = (
        *(
            plant(gate(find))
            for gate in (gate_behind, scale_behind)
            for find in (
                lambda block: block.parts.join,
                lambda block: block.final_activation.id if block.final_activation else None,
            )
        ),
    )
    broken = (
        changed(
            SE,
            (USE, "        s = self.gate(out)\n"),
            (SCALE, "return z[:, :, None, None]"),
            (SUM, "return F.relu((out + identity) * s)"),
        ),
        changed(SE, (USE, ""), (SUM, "return F.relu(self.gate(out + identity))")),
        changed(SE, (USE, ""), (SUM, "return self.gate(F.relu(out + identity))")),
    )


class GateOnShortcut(Planted):
    id = "se-on-shortcut"
    message = "The gate scales the shortcut. It belongs on the branch; the shortcut carries x as it is."
    why = (
        "The shortcut should carry x as it is, so that signal and gradient pass freely. A gate between 0 and 1 makes "
        "it fade from block to block."
    )
    hints = (
        "The gate weighs what is new, the result of the branch. What is old goes around it.",
        "Look at which of the two tensors is multiplied by the gate.",
        "Multiply the other one: `F.relu(out * s + shortcut)`.",
    )
    plants = (plant(gated(gate_shortcut)), plant(gated(scale_shortcut)), plant(gated(scale_projection)))
    broken = (
        changed(SE, (USE, ""), (SUM, "return F.relu(out + self.gate(identity))")),
        changed(
            SE,
            (USE, "        s = self.gate(out)\n"),
            (SCALE, "return z[:, :, None, None]"),
            (SUM, "return F.relu(out + identity * s)"),
        ),
    )


class GateMisplaced(Planted):
    id = "se-misplaced"
    message = "The gate sits between the layers of the branch. It is its last operation, behind the last batch norm."
    why = (
        "Between two layers the gate weighs a value from halfway, and the batch norm behind it evens out much of its "
        "work. At the end it weighs what is really added."
    )
    hints = (
        "The gate comes last on the branch, when all its layers have run.",
        "Look at which layers of the branch run after the gate.",
        "Move it behind the last batch norm: `out = self.gate(self.bn2(out))`, or `bn3` in a bottleneck.",
    )
    plants = (
        plant(gate_behind(lambda block: block.convolutions[-1].id if block.convolutions else None), where="gate"),
        *(
            plant(gate_behind(find), where="gate")
            for find in (
                lambda block: block.activations[-1].id if block.activations else None,
                lambda block: block.output_of(block.norms[-2]) if len(block.norms) > 1 else None,
            )
        ),
        plant(
            squeeze_other(lambda block: block.convolutions[-1].id if block.convolutions else None),
            where="gate",
            message="The gate is computed in front of the last batch norm. It squeezes what it scales, behind it.",
        ),
        plant(
            squeeze_other(lambda block: block.activations[-1].id if block.activations else None),
            where="gate",
            message="The gate is computed from a value inside the branch. It squeezes what it scales: the branch's "
            "result.",
        ),
        plant(
            gated(activate_gated),
            where="gate",
            message="The branch goes through a ReLU before the gate, so that it can only add. The last batch norm goes "
            "straight into the gate.",
        ),
    )
    broken = (
        changed(SE, (USE, ""), ("out = self.bn2(self.conv2(out))", "out = self.bn2(self.gate(self.conv2(out)))")),
        changed(SE, (USE, ""), ("out = self.bn2(self.conv2(out))", "out = self.bn2(self.conv2(self.gate(out)))")),
        changed(SE, ("out = self.bn2(self.conv2(out))", "out = F.relu(self.bn2(self.conv2(out)))")),
        changed(
            SE,
            ("out = self.bn2(self.conv2(out))", "raw = self.conv2(out)\n        out = self.bn2(raw)"),
            (USE, "        out = self.gate(out, raw)\n"),
            ("def gate(self, u):", "def gate(self, u, v):"),
            (MEAN, "z = v.mean((2, 3))"),
        ),
        changed(
            SE,
            ("out = self.bn2(self.conv2(out))", "first = out\n        out = self.bn2(self.conv2(out))"),
            (USE, "        out = self.gate(out, first)\n"),
            ("def gate(self, u):", "def gate(self, u, v):"),
            (MEAN, "z = v.mean((2, 3))"),
        ),
    )
