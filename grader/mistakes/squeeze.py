"""What a squeeze-and-excitation gate squeezes, and how.

Source: Hu et al., "Squeeze-and-Excitation Networks" (2018), section 3.1, equation (2).
"""

from __future__ import annotations

from grader.mistakes._families import SE, SE_BOTTLENECK
from grader.mistakes._gates import (
    excite_both,
    gated,
    squeeze_both,
    squeeze_by,
    squeeze_input,
    squeeze_other,
    squeeze_over,
)
from grader.mistakes._mistake import Planted, changed, plant
from grader.mistakes._se_sources import MEAN, USE, WIDTH

BOTH = (
    "The squeeze takes the largest value of each channel, too, as the channel attention of CBAM does (Woo 2018). The "
    "task asks for the mean alone."
)
TWO_PATHS = "self.fc(F.adaptive_max_pool2d(x, 1)) + self.fc(self.avg_pool(x))"


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
