"""Pre-activation blocks in which BN, ReLU and convolution come in another order, or something follows the addition.

Source: He et al., "Identity Mappings in Deep Residual Networks" (2016), section 4.1 and figure 4: only with BN and ReLU
in front of each convolution does the identity stay clean from the first block to the last.
"""

from __future__ import annotations

from grader.mistakes._families import BIASED, PREACT, PREACT_BOTTLENECK
from grader.mistakes._mistake import Planted, changed, plant
from grader.mistakes._orders import (
    activate_both,
    activate_end,
    activate_first,
    activate_sum,
    add_biases,
    bypass_first,
    drop_first,
    in_steps,
    normalise_in_front,
    normalise_projection,
    preactivated,
    project_activated,
    put_behind,
    take_shortcut,
)

BEHIND_FIRST = "The shortcut carries what the first BN and ReLU made of x. It must start at x itself."
BEHIND_NORM = "The shortcut carries what the first BN made of x. It must start at x itself."
OWN_NORM = (
    "The projection has a batch norm of its own in front. In a pre-activation block it is a bare 1×1 convolution, of x "
    "or of what the first BN and ReLU of the branch made of it."
)
SUM = "return out + identity"
FIRST = "out = F.relu(self.bn1(x))"
IDENTITY = "identity = x if self.shortcut is None else self.shortcut(out)"
PROJECTION = "self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)"
POST = (
    ("self.bn1 = nn.BatchNorm2d(in_channels)", "self.bn1 = nn.BatchNorm2d(out_channels)"),
    (FIRST, "out = x"),
    ("        out = self.conv1(out)\n", "        out = F.relu(self.bn1(self.conv1(out)))\n"),
    ("        out = self.conv2(F.relu(self.bn2(out)))\n", "        out = self.bn2(self.conv2(out))\n"),
)


class ReluAfterAdd(Planted):
    id = "relu-after-add"
    message = (
        "There is a ReLU after the addition. A pre-activation block ends with the addition: what the shortcut carries "
        "must reach the next block as it is."
    )
    why = (
        "In a pre-activation network the sum travels untouched from the first block to the last. A ReLU on that road "
        "cuts off all that is negative, block after block."
    )
    hints = (
        "The paper of 2016 moved batch norm and ReLU into the branch, to keep the road of the shortcut clear.",
        "Look at the `return` line of `forward`. What is done to the sum?",
        "Return the sum and nothing more: `return out + shortcut`.",
    )
    plants = (plant(preactivated(activate_sum), where="output"),)
    broken = (
        changed(PREACT, (SUM, "return F.relu(out + identity)")),
        changed(PREACT_BOTTLENECK, (SUM, "out += identity\n        return out.relu_()")),
    )


class ReluEndsBranch(Planted):
    id = "relu-ends-branch"
    message = (
        "There is a ReLU at the end of the branch, so that it can only add, never take away. The branch of a "
        "pre-activation block ends with its last convolution."
    )
    why = (
        "Behind a ReLU the branch gives nothing below zero, so the sums can only grow from block to block. The paper "
        "tried it, and the network got worse."
    )
    hints = (
        "A correction must be able to go both ways. In this block a ReLU comes in front of a convolution, and never "
        "behind the last.",
        "Look at what is done to the result of the last convolution before it is added.",
        "Let the convolution have the last word: `out = self.conv2(F.relu(self.bn2(out)))`, and then `return out + "
        "shortcut`.",
    )
    plants = (plant(preactivated(activate_end)), plant(preactivated(activate_both)))
    broken = (
        changed(PREACT, (SUM, "return F.relu(out) + identity")),
        changed(PREACT, (SUM, "return F.relu(F.relu(out) + identity)")),
    )


class PostActivation(Planted):
    id = "post-activation"
    of_concatenation = True
    message = (
        "The order is that of the first paper: convolution, BN, ReLU. In a pre-activation block BN and ReLU come in "
        "front of each convolution."
    )
    why = (
        "This is the block of the first paper, and the task asks for that of the second. With batch norm and ReLU in "
        "front, the road of the shortcut stays clear, and very deep networks train better."
    )
    hints = (
        '"Pre" means before: first normalise and activate, then convolve.',
        "Read each line of `forward` from the inside to the outside. What happens to x first?",
        "Write `out = self.conv1(F.relu(self.bn1(x)))`, and so for each convolution. The first batch norm then has "
        "`in_channels`.",
    )
    plants = tuple(
        plant(put_behind(last_activation=last, final_activation=final, norm=norm), where="convolution 0")
        for last, final in ((False, True), (False, False), (True, False), (True, True))
        for norm in (False, True)
    )
    broken = (
        changed(PREACT, *POST, (IDENTITY, IDENTITY.replace("(out)", "(x)"))),
        changed(
            PREACT,
            *POST,
            (
                PROJECTION,
                PROJECTION.replace("nn.Conv2d", "nn.Sequential(nn.Conv2d") + ", nn.BatchNorm2d(out_channels))",
            ),
            (SUM, "return F.relu(out + identity)"),
        ),
        changed(PREACT, *POST, ("out = self.bn2(self.conv2(out))", "out = F.relu(self.bn2(self.conv2(out)))")),
    )


class ReluBeforeNorm(Planted):
    id = "preact-relu-before-bn"
    of_concatenation = True
    message = "ReLU comes before BN. In a pre-activation block the order is BN, ReLU, convolution."
    why = (
        "Behind the ReLU a batch norm moves the values around zero again, so the convolution gets negative ones after "
        "all. The paper found batch norm first, then ReLU, to work best."
    )
    hints = (
        "Batch norm centres, ReLU cuts, and the convolution mixes: in this order.",
        "Read the calls from the inside to the outside: which of the two runs first?",
        "Put the batch norm inside: `F.relu(self.bn1(x))`, not `self.bn1(F.relu(x))`.",
    )
    plants = (
        plant(activate_first(), where="convolution 0"),
        plant(activate_first(0), where="convolution 0"),
        plant(activate_first(1), where="convolution 1"),
        plant(activate_first(2), where="convolution 2"),
    )
    broken = (
        changed(PREACT, (FIRST, "out = self.bn1(F.relu(x))"), ("F.relu(self.bn2(out))", "self.bn2(F.relu(out))")),
        changed(PREACT_BOTTLENECK, ("F.relu(self.bn2(out))", "self.bn2(F.relu(out))")),
    )


class IdentityActivated(Planted):
    id = "identity-activated"
    message = "Where shapes agree, the shortcut carries what the first BN and ReLU made of x. It must carry x itself."
    why = (
        "The shortcut should hand on x as it is, so that each block can build on all that came before. Behind batch "
        "norm and ReLU about half of it is lost."
    )
    hints = (
        "Into the branch goes what batch norm and ReLU make of x. Around the branch goes x.",
        "Find the line that keeps the shortcut. Does it run before the first batch norm, and does it name the input?",
        "Keep the input first: `shortcut = x`, as the first line of `forward`.",
    )
    plants = (
        plant(take_shortcut("activation", projection=False)),
        plant(take_shortcut("norm", projection=False), message=BEHIND_NORM),
        plant(take_shortcut("activation"), message=BEHIND_FIRST),
        plant(take_shortcut("norm"), message=BEHIND_NORM),
    )
    broken = (
        changed(PREACT, (IDENTITY, IDENTITY.replace("= x", "= out"))),
        changed(
            PREACT_BOTTLENECK,
            (FIRST, "identity = self.bn1(x)\n        out = F.relu(identity)"),
            (IDENTITY, "identity = identity if self.shortcut is None else self.shortcut(out)"),
        ),
        changed(
            BIASED,
            (
                "        out = self.conv1(F.relu(self.bn1(x)))\n",
                "        x = F.relu(self.bn1(x))\n        out = self.conv1(x)\n",
            ),
        ),
    )


class ProjectionWithNorm(Planted):
    id = "projection-with-bn"
    message = "The projection is followed by a batch norm. In a pre-activation block it is a bare 1×1 convolution."
    why = (
        "The next block begins with a batch norm anyway, so one on the shortcut is one too many. It also changes the "
        "size of what should go straight into the sum."
    )
    hints = (
        "In a pre-activation block the sum is made of raw values: the last convolution of the branch, and x or its "
        "1×1.",
        "Look at what the constructor makes for the shortcut. How many layers are there?",
        "Keep the convolution alone: `nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)`.",
    )
    plants = (
        plant(preactivated(normalise_projection), where="projection"),
        *(
            plant(normalise_in_front(activated=activated), where="projection", message=OWN_NORM)
            for activated in (True, False)
        ),
    )
    broken = (
        changed(
            PREACT,
            (
                PROJECTION,
                PROJECTION.replace("nn.Conv2d", "nn.Sequential(nn.Conv2d") + ", nn.BatchNorm2d(out_channels))",
            ),
        ),
        *(
            changed(
                source,
                (
                    PROJECTION,
                    PROJECTION.replace("nn.Conv2d", f"nn.Sequential(nn.BatchNorm2d(in_channels), {relu}nn.Conv2d")
                    + ")",
                ),
                ("self.shortcut(out)", "self.shortcut(x)"),
            )
            for source, relu in ((PREACT, "nn.ReLU(), "), (PREACT_BOTTLENECK, ""))
        ),
    )


class FirstActivationMissing(Planted):
    id = "preactivation-missing"
    of_concatenation = True
    message = (
        "BN and ReLU in front of the first convolution are missing: it reads x as it comes, which no layer has "
        "normalised."
    )
    why = (
        "Nothing has normalised the sum that comes into this block, and it grows from block to block. The first batch "
        "norm brings it back to a steady size before it is convolved."
    )
    hints = (
        "Each convolution of this block has a batch norm and a ReLU of its own in front, and so has the first.",
        "Look at the first lines of `forward`. What does the first convolution read?",
        "Begin with `out = F.relu(self.bn1(x))`, where `self.bn1 = nn.BatchNorm2d(in_channels)`, and convolve `out`.",
    )
    plants = (
        plant(in_steps(drop_first), where="convolution 0"),
        plant(in_steps(bypass_first), where="convolution 0"),
    )
    broken = (
        changed(PREACT, (FIRST, "out = x"), ("        self.bn1 = nn.BatchNorm2d(in_channels)\n", "")),
        changed(PREACT_BOTTLENECK, ("        out = self.conv1(out)\n", "        out = self.conv1(x)\n")),
    )


class ActivatedProjectionAlways(Planted):
    id = "preact-projection-always"
    message = "The shortcut is always a projection. Where stride is 1 and the channels agree it must be x itself."
    why = (
        "These networks live on shortcuts without weights: signal and gradient run straight through many blocks. A "
        "convolution on each shortcut breaks that line."
    )
    hints = (
        "The identity costs nothing and changes nothing. A 1×1 convolution is for the few blocks whose shapes change.",
        "Look at the test in front of the projection in the constructor. Is there one, and when is it true?",
        "Make the projection only under `if stride != 1 or in_channels != out_channels:`, and let x pass otherwise.",
    )
    plants = (plant(in_steps(project_activated), where="projection"),)
    broken = (changed(PREACT, ("if stride != 1 or in_channels != out_channels:", "if True:")),)


class BiasThatStays(Planted):
    id = "preact-bias"
    of_concatenation = True
    message = (
        "A convolution with no batch norm behind it in the block has a bias: the last one of the branch, or the "
        "projection. There it is not redundant; the task asks for bias=False."
    )
    why = (
        "A batch norm would take a bias away again, but here none follows within the block. This bias goes into the "
        "sum, and it is a parameter that the task does not have."
    )
    hints = (
        "What comes next decides if a bias matters. Behind the last convolution of the branch, and behind the "
        "projection, comes the sum.",
        "Look at the last convolution of the branch and at the projection. A convolution has a bias unless you say "
        "otherwise.",
        "Say so for both of them: `nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)`.",
    )
    plants = tuple(
        plant(add_biases(last=last, projection=projection), where="convolution 1" if last else "projection")
        for last, projection in ((True, True), (True, False), (False, True))
    )
    broken = (
        changed(PREACT, (", bias=False", "")),
        changed(PREACT_BOTTLENECK, (PROJECTION, PROJECTION.replace(", bias=False", ""))),
    )
