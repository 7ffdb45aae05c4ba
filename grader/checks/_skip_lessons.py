"""What each failure of the skip-connection check teaches."""

from __future__ import annotations

from grader.verdict import Lesson

NO_SHORTCUT = Lesson(
    why=(
        "When the branch gives zero, a residual block should still hand on its input. Yours gives zero, so the input "
        "has no road around the branch."
    ),
    hints=(
        "y = F(x) + shortcut(x): what the layers find is added to what came in.",
        "Look at the line of `forward` that makes the result. Where does the block's input enter it?",
        "Keep the input, and add it, or its projection, behind the last layer of the branch: `out = out + "
        "self.shortcut(x)`.",
    ),
)

SHORTCUT_WITH_WEIGHTS = Lesson(
    why=(
        "Where shapes agree the shortcut has no weights, so it works even when all weights are zero. Here nothing "
        "comes through then."
    ),
    hints=(
        "An identity shortcut is the input itself. A layer on it takes away what made it free.",
        "Look at what the constructor makes for the shortcut when the stride is 1 and the channels agree, and whether "
        "it is added.",
        "Add the input as it is in that case: `out = out + x`.",
    ),
)

CUT = Lesson(
    why=(
        "The numbers are right, but on the way back the shortcut is closed. The gradient has to take the long road "
        "through all layers, which is what a shortcut should spare it."
    ),
    hints=(
        "A gradient flows along operations that PyTorch has seen. A detached tensor has none behind it.",
        "Look at the tensor that is added to the branch. How was it made?",
        "Add the input itself, without `detach()`, `.data` or `torch.no_grad()`.",
    ),
)

OTHER_GRADIENT = Lesson(
    why=(
        "The sum looks right, but the gradient through the shortcut is not the one of a plain sum. Layers in front "
        "learn too much or too little from it."
    ),
    hints=(
        "Along an identity a gradient arrives as it left: neither scaled nor bent.",
        "Look for copies, clamps, roundings and hooks on the way of the shortcut.",
        "Add the block's input itself and no copy of it.",
    ),
)

OTHER_SHAPE = Lesson(
    why=(
        "A residual block gives as many channels as it was asked for. If it gives more, branch and shortcut were "
        "probably put side by side."
    ),
    hints=(
        "Adding keeps the shape, joining makes it longer.",
        "Look at the operation between branch and shortcut.",
        "Use a plus in place of `torch.cat`.",
    ),
)

WEIGHTED = Lesson(
    why=(
        "A weight on the shortcut works anew in each block, so over many blocks it makes the signal fade or explode. "
        "With weight 1 it stays as it is."
    ),
    hints=(
        "In y = F(x) + x there is no factor. What is learned is in F.",
        "Look for a factor, a mean or a second sum around the line where the two are joined.",
        "Add the shortcut once, as it is.",
    ),
)

NOT_ITS_SHORTCUT = Lesson(
    why=(
        "With a silent branch only the shortcut should be left, and here something else comes out. So what is added is "
        "not the input of the block, or more than that is added."
    ),
    hints=(
        "The shortcut is the input, or where shapes change its 1×1 convolution and batch norm.",
        "Follow the tensor that is added back to the start of `forward`. Through which layers and activations does it "
        "go?",
        "Add the input itself, `out + x`, or `out + self.shortcut(x)` where the shapes change.",
    ),
)

USED_AGAIN = Lesson(
    why=(
        "A block that is used at several places has one set of weights for all of them. The network is then less deep "
        "than it looks."
    ),
    hints=(
        "Repeating a list repeats references, not objects: three entries, one block.",
        "Look for a list times a number, or for a loop in `forward` over one and the same block.",
        "Make each block by itself: `nn.Sequential(*[ResBlock(16, 16) for _ in range(3)])`.",
    ),
)

TOO_FEW_BLOCKS = Lesson(
    why=(
        "The task asks for a network of residual blocks, and depth is what they are for. With fewer of them there is "
        "little to be seen of it."
    ),
    hints=(
        "A block counts when its input is added to what its branch gives.",
        "Count the sums in your network: each block has one. Do all your blocks add?",
        "Build the network of your own blocks, and make more of them in the loop of a stage.",
    ),
)

OTHER_DEPTH = Lesson(
    why=(
        "How deep a network is follows from the blocks in each stage. One block more or less gives another network "
        "than the task names."
    ),
    hints=(
        "Each stage has as many blocks as the task says. The one that changes the shape is among them.",
        "Compare the two lists, stage by stage: which stage has too many or too few?",
        "Change the number of rounds of the loop that builds that stage.",
    ),
)
