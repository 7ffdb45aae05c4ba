"""What a squeeze-and-excitation gate scales, and whether it does.

Source: Hu et al., "Squeeze-and-Excitation Networks" (2018), section 3.2, equation (4); section 6.5 for other places of
the gate.
"""

from __future__ import annotations

from grader.mistakes._families import SE, SE_BOTTLENECK
from grader.mistakes._gates import (
    activate_gated,
    add_value,
    combine,
    gate_behind,
    gate_shortcut,
    gated,
    give_factor,
    leave_out,
    scale_again,
    scale_behind,
    scale_projection,
    scale_shortcut,
    squeeze_other,
)
from grader.mistakes._mistake import Planted, changed, plant
from grader.mistakes._se_sources import MEAN, SCALE, SUM, USE


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
