"""Res2Net blocks whose parts are not the hierarchy they should be.

Source: Gao et al., "Res2Net: A New Multi-scale Backbone Architecture" (2019), section 3.1, equation (1).
"""

from __future__ import annotations

from grader.judge.parts import Block
from grader.mistakes._families import RES2NET
from grader.mistakes._hierarchies import (
    convolve_all,
    detach_links,
    drop_in_parts,
    drop_links,
    hierarchical,
    keep_whole,
    link_alone,
    link_behind,
    link_by,
    link_first,
    link_with,
    link_with_all,
    normalise_together,
    rearrange,
    set_width,
    share,
    widen_parts,
    working,
)
from grader.mistakes._mistake import Planted, changed, plant

LINK = "part = parts[i] if i == 1 else parts[i] + ys[-1]"
CONVOLUTION = "nn.Conv2d(width, width, 3, padding=1, bias=False)"
STEP = "ys.append(F.relu(self.bns[i - 1](self.convs[i - 1](part))))"
LOOP = "        for i in range(1, self.scale):\n"
CAT = "out = torch.cat(ys, dim=1)"


class NoHierarchy(Planted):
    id = "res2net-no-hierarchy"
    message = (
        "The parts do not see each other: each is convolved alone. From the second convolution on, the result of the "
        "part before is added first: yᵢ = Kᵢ(xᵢ + yᵢ₋₁)."
    )
    why = (
        "Each part should see more of the picture than the one before, because results are handed on. Alone, all parts "
        "look through the same small 3×3 window."
    )
    hints = (
        "Handing on stacks the small windows: after two 3×3 convolutions a part sees 5×5 values, after three 7×7.",
        "Look at the loop over the parts. What goes into the second convolution, and what came out of the first?",
        "From the second convolution on, add the last result first: `part = parts[i] + ys[-1]`.",
    )
    plants = (plant(hierarchical(drop_links), where="convolution 1"),)
    broken = (changed(RES2NET, (LINK, "part = parts[i]")),)


class LinkToFirst(Planted):
    id = "res2net-link-to-first"
    message = (
        "The part that is handed on is added to the one behind it. Nothing is added to the first part that is "
        "convolved: y₂ = K₂(x₂)."
    )
    why = (
        "The first part is handed on raw: it is no result of a convolution. Adding it gives the next part a sum that "
        "the equation of the paper does not have."
    )
    hints = (
        "The equation has three cases: y₁ = x₁, then y₂ = K₂(x₂), and sums from the third part on.",
        "Look at the first round of your loop. What is the last result in the list then?",
        "Leave the sum out in that round: `part = parts[i] if i == 1 else parts[i] + ys[-1]`.",
    )
    plants = (plant(hierarchical(link_first), where="convolution 1"),)
    broken = (changed(RES2NET, (LINK, "part = parts[i] + ys[-1]")),)


class WrongLink(Planted):
    id = "res2net-wrong-link"
    message = "What is added to a part is not the result of the part before: yᵢ = Kᵢ(xᵢ + yᵢ₋₁)."
    why = (
        "What is handed on should have been convolved already: that is how later parts see further. With any other "
        "value the chain from part to part is broken."
    )
    hints = (
        "The value yᵢ₋₁ is the finished result of the part before: after its convolution, batch norm and ReLU.",
        "Look at the sum in the loop. Is its second term a raw part, a value from halfway, or the same result each "
        "time?",
        "Add the result that was finished last: `part = parts[i] + ys[-1]`.",
    )
    plants = (
        plant(link_with(lambda block, before, part: before.entry), where="convolution 1"),
        plant(
            link_with(lambda block, before, part: None if before.norm is None else _output(block, before.norm)),
            where="convolution 1",
        ),
        plant(link_with(lambda block, before, part: before.convolution), where="convolution 1"),
        plant(link_with(lambda block, before, part: working(block)[0].result), where="convolution 1"),
        plant(link_with(lambda block, before, part: block.splits[0].result), where="convolution 1"),
        *(
            plant(
                link_with_all(raw=False, handed_on=handed_on, first=first),
                where="convolution 1",
                message="All the results before are added to a part. It is the last one alone: yᵢ = Kᵢ(xᵢ + yᵢ₋₁).",
            )
            for handed_on, first in ((False, False), (True, False), (True, True))
        ),
        *(
            plant(
                link_with_all(raw=True, handed_on=handed_on, first=first),
                where="convolution 1",
                message="All the parts before are added to a part, as they were cut. It is the result of the last one "
                "alone: yᵢ = Kᵢ(xᵢ + yᵢ₋₁).",
            )
            for handed_on, first in ((False, False), (True, False), (True, True))
        ),
        *(
            plant(
                link_by(op),
                where="convolution 1",
                message="The result of the part before does not meet the next part in a sum. It is added to it: "
                "yᵢ = Kᵢ(xᵢ + yᵢ₋₁).",
            )
            for op in ("aten.mul.Tensor", "aten.sub.Tensor", "aten.maximum.default")
        ),
        plant(
            hierarchical(link_behind),
            where="convolution 1",
            message="The result of the part before is added behind the convolution. It is added in front of it: "
            "yᵢ = Kᵢ(xᵢ + yᵢ₋₁).",
        ),
        plant(
            hierarchical(detach_links),
            where="convolution 1",
            message="The result that is handed on is cut from autograd: no gradient goes back to the part before.",
        ),
        plant(
            hierarchical(link_alone),
            where="convolution 1",
            message="From the third part on a part is not read: only the result before it is convolved, where the sum "
            "of both belongs.",
        ),
    )
    broken = (
        changed(RES2NET, (LINK, "part = parts[i] if i == 1 else parts[i] + parts[i - 1]")),
        changed(
            RES2NET,
            (LINK, "part = parts[i] if i == 1 else parts[i] + y"),
            (STEP, "y = self.bns[i - 1](self.convs[i - 1](part))\n            ys.append(F.relu(y))"),
        ),
        changed(RES2NET, (LINK, "part = parts[i] if i == 1 else parts[i] + ys[1]")),
        changed(RES2NET, (LINK, "part = parts[i] if i == 1 else parts[i] + sum(ys[1:])")),
        changed(RES2NET, (LINK, "part = parts[i] + sum(ys)")),
        changed(RES2NET, (LINK, "part = sum(parts[1 : i + 1])")),
        changed(RES2NET, (LINK, "part = torch.stack(parts[: i + 1]).sum(0)")),
        changed(RES2NET, (LINK, "part = parts[i] if i == 1 else parts[i] * ys[-1]")),
        changed(RES2NET, (LINK, "part = parts[i] if i == 1 else parts[i] + ys[-1].detach()")),
        changed(RES2NET, (LINK, "part = parts[i] if i == 1 else ys[-1]")),
        changed(
            RES2NET,
            (LINK, "part = parts[i]"),
            (STEP, STEP.replace("ys.append(", "y = ")[:-1] + "\n            ys.append(y if i == 1 else y + ys[-1])"),
        ),
    )


class AllConvolved(Planted):
    id = "res2net-all-convolved"
    message = "Every part is convolved. One part is handed on as it is: y₁ = x₁."
    why = (
        "One part stays as it is, so that the block keeps the finest scale and pays nothing for it. With a convolution "
        "on each part that scale is lost, and there are weights too many."
    )
    hints = (
        "Of all the parts, one goes straight to the end. Only the others are convolved, so there is one convolution "
        "less than parts.",
        "Count the convolutions in the constructor, and look at how the list of results begins.",
        "Begin with the raw part, `ys = [parts[0]]`, and make `scale - 1` convolutions.",
    )
    plants = (
        plant(convolve_all(linked=True), where="convolution 1"),
        plant(convolve_all(linked=False), where="convolution 1"),
    )
    broken = (
        changed(
            RES2NET,
            ("for _ in range(scale - 1)", "for _ in range(scale)"),
            ("        ys = [parts[0]]\n", "        ys = []\n"),
            (LOOP, "        for i in range(self.scale):\n"),
            (LINK, "part = parts[i] if i == 0 else parts[i] + ys[-1]"),
            ("self.bns[i - 1](self.convs[i - 1](part))", "self.bns[i](self.convs[i](part))"),
        ),
        changed(
            RES2NET,
            ("for _ in range(scale - 1)", "for _ in range(scale)"),
            ("        ys = [parts[0]]\n", "        ys = [F.relu(self.bns[-1](self.convs[-1](parts[0])))]\n"),
        ),
    )


class PartsShareLayer(Planted):
    id = "res2net-layer-shared"
    message = "The parts share one convolution. Each part that is convolved has weights of its own."
    why = (
        "Each part works at a scale of its own and needs filters of its own. With shared weights all parts look for "
        "the same things, and the block has too few parameters."
    )
    hints = (
        "One layer object is one set of weights, however often you call it.",
        "Look at how the list of convolutions is made: `[layer] * 3` holds one layer three times. Check the index in "
        "the loop, too.",
        "Make a new one for each part: `nn.ModuleList([nn.Conv2d(width, width, 3, padding=1) for _ in range(scale - "
        "1)])`.",
    )
    plants = (
        plant(share(convolution=True, norm=False), where="convolution 1"),
        plant(share(convolution=True, norm=True), where="convolution 1"),
        plant(
            share(convolution=False, norm=True),
            where="convolution 1",
            message="The parts share one batch norm. Each part that is convolved has one of its own.",
        ),
    )
    broken = (
        changed(RES2NET, ("self.convs[i - 1](part)", "self.convs[0](part)")),
        changed(RES2NET, ("self.bns[i - 1](self", "self.bns[0](self")),
        changed(
            RES2NET,
            ("self.bns[i - 1](self.convs[i - 1](part))", "self.bns[0](self.convs[0](part))"),
            ("for _ in range(scale - 1)", "for _ in range(1)"),
        ),
        changed(
            RES2NET,
            (
                "[nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(scale - 1)]",
                "[nn.Conv2d(width, width, 3, padding=1, bias=False)] * (scale - 1)",
            ),
        ),
    )


class PartsWithoutNorm(Planted):
    id = "res2net-norm-missing"
    message = "A convolution of a part is not followed by a batch norm."
    why = (
        "The parts are added to each other, so their values must stay of one size. Without batch norm the sums grow "
        "from part to part, and training becomes unsteady."
    )
    hints = (
        "In these blocks each convolution has a batch norm behind it. The small ones of the parts are no exception.",
        "Look at the line in the loop that calls the convolution. What is done to its result?",
        "Normalise it, with one batch norm for each convolution: `self.bns[i - 1](self.convs[i - 1](part))`.",
    )
    plants = (
        *(plant(drop_in_parts("norm", *numbers), where="convolution 1") for numbers in ((), (0,), (1,), (2,))),
        plant(
            hierarchical(normalise_together),
            where="convolution 1",
            message="The parts have no batch norm and ReLU of their own: one of each stands behind the concatenation.",
        ),
    )
    broken = (
        changed(RES2NET, ("self.bns[i - 1](self.convs[i - 1](part))", "self.convs[i - 1](part)")),
        changed(
            RES2NET,
            (STEP, "ys.append(self.convs[i - 1](part))"),
            (CAT, "out = F.relu(self.bn2(torch.cat(ys, dim=1)))"),
            (
                "self.bns = nn.ModuleList([nn.BatchNorm2d(width) for _ in range(scale - 1)])",
                "self.bn2 = nn.BatchNorm2d(hidden)",
            ),
        ),
    )


class PartsWithoutRelu(Planted):
    id = "res2net-relu-missing"
    message = "A convolution and batch norm of a part are not followed by a ReLU."
    why = (
        "Without a ReLU, a chain of small convolutions is one single linear step. The parts then look through a wider "
        "window and learn nothing more from it."
    )
    hints = (
        "Each 3×3 is a whole step: convolution, batch norm, ReLU.",
        "Look at the line in the loop that puts a result into the list. Which of the three is not there?",
        "Wrap it in a ReLU before you keep it: `ys.append(F.relu(self.bns[i - 1](self.convs[i - 1](part))))`.",
    )
    plants = tuple(
        plant(drop_in_parts("activation", *numbers), where="convolution 1") for numbers in ((), (0,), (1,), (2,))
    )
    broken = (
        changed(
            RES2NET,
            (STEP, STEP.replace("F.relu(", "(")),
        ),
    )


class PartsReordered(Planted):
    id = "res2net-wrong-order"
    message = "The results of the parts are concatenated in another order than the parts were cut."
    why = (
        "The last 1×1 has weights for each channel, so it matters which channel comes where. Weights that were trained "
        "with the block of the paper would meet the wrong parts here."
    )
    hints = (
        "The parts are cut, worked on, and joined again in one and the same order.",
        "Look at the list that goes into `torch.cat`. In which order were its items added, and was anything put in "
        "front or reversed?",
        "Append the results in the order of the loop, the raw part first, and join them: `torch.cat(ys, dim=1)`.",
    )
    plants = (
        plant(rearrange(lambda results: [*results[1:], results[0]]), where="convolution 1"),
        plant(rearrange(lambda results: [results[-1], *results[:-1]]), where="convolution 1"),
        plant(rearrange(lambda results: results[::-1]), where="convolution 1"),
        plant(rearrange(lambda results: [*results[-2::-1], results[-1]]), where="convolution 1"),
        plant(rearrange(lambda results: [results[0], *results[:0:-1]]), where="convolution 1"),
    )
    broken = (
        changed(RES2NET, (CAT, "out = torch.cat(ys[::-1], dim=1)")),
        changed(RES2NET, (CAT, "out = torch.cat(ys[1:] + ys[:1], dim=1)")),
        changed(RES2NET, (CAT, "out = torch.cat(ys[:1] + ys[:0:-1], dim=1)")),
    )


class PartsOfOtherWidth(Planted):
    id = "res2net-wrong-width"
    message = "The first 1×1 gives another number of channels than asked for, and with it the parts another width."
    why = (
        "The width says how many weights the small convolutions have and how much they can hold. With another width it "
        "is another model, and its cost cannot be compared."
    )
    hints = (
        "The first 1×1 gives a hidden width. Each part has that width divided by the number of parts.",
        "Look at the lines of the constructor that compute these widths. Compare both with the task.",
        "Use the numbers of the task, for instance `hidden = out_channels // 4` and `width = hidden // scale`.",
    )
    plants = (
        *(plant(set_width(factor), where="convolution 0") for factor in (1 / 2, 1, 1 / 8)),
        plant(
            hierarchical(widen_parts),
            where="convolution 0",
            message="Each part is as wide as all of them together should be: the width is not divided by the parts.",
        ),
    )
    broken = (
        changed(RES2NET, ("hidden = out_channels // 4", "hidden = out_channels // 2")),
        changed(RES2NET, ("hidden = out_channels // 4", "hidden = out_channels // 4 * scale")),
    )


class NotSplit(Planted):
    id = "res2net-not-split"
    message = (
        "The channels are not split: one 3×3 works on all of them, as in the plain bottleneck. A Res2Net block has one "
        "small 3×3 for each part but one."
    )
    why = (
        "Splitting lets one block look for patterns of several sizes at once, and it saves weights. A single 3×3 sees "
        "one size only, as in the plain bottleneck."
    )
    hints = (
        "The channels are cut into equal parts. Each part takes its own way, and in the end they are joined.",
        "Look at `forward` behind the first 1×1, its batch norm and its ReLU. What happens to the channels there?",
        "Cut them with `parts = torch.chunk(out, self.scale, dim=1)`, treat the parts in a loop, then join them with "
        "`torch.cat`.",
    )
    plants = (plant(hierarchical(keep_whole), where="convolution 1"),)
    broken = (
        changed(
            RES2NET,
            (
                f"self.convs = nn.ModuleList([{CONVOLUTION} for _ in range(scale - 1)])",
                "self.conv2 = nn.Conv2d(hidden, hidden, 3, padding=1, bias=False)",
            ),
            (
                "self.bns = nn.ModuleList([nn.BatchNorm2d(width) for _ in range(scale - 1)])",
                "self.bn2 = nn.BatchNorm2d(hidden)",
            ),
            (
                f"""        parts = torch.chunk(out, self.scale, dim=1)
        ys = [parts[0]]
{LOOP}            {LINK}
            {STEP}
        {CAT}
""",
                "        out = F.relu(self.bn2(self.conv2(out)))\n",
            ),
        ),
    )


def _output(block: Block, norm: int) -> int:
    return block.output_of(block.source.by_id[norm])
