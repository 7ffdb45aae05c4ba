"""What each failure of the shape check teaches."""

from __future__ import annotations

from grader.verdict import Lesson

NOT_DEFINED = Lesson(
    why=(
        "All checks begin by making your class or calling your function. Without that name in the notebook there is "
        "nothing to check."
    ),
    hints=(
        "A cell defines a name when it runs, and the spelling counts: small and capital letters are different.",
        "Search the notebook for the name. Is it at the left margin of a code cell, and does that cell run without an "
        "error?",
        "Define it under exactly the name that the task uses, then restart the kernel and run all cells.",
    ),
)

BROKEN_CELL = Lesson(
    why=(
        "Python does not run a cell that it cannot read, so what the cell should define is missing. All checks of this "
        "exercise wait for it."
    ),
    hints=(
        "A cell is read as a whole first. One open bracket or one wrong indent spoils all of it.",
        "Go to the line that is named here, and read the line above it as well.",
        "Mend the line, run all cells from the top, and hand in again when none of them stops.",
    ),
)

NOT_A_MODULE = Lesson(
    why=(
        "PyTorch asks a module for its weights, its mode and its output. An object of another kind cannot answer, so "
        "nothing more is measured."
    ),
    hints=(
        "The class itself says what its objects are, by the name in brackets behind its own.",
        "Look at what your class is made from, or at what your function returns.",
        "Derive the class from `nn.Module`, or return an object of such a class.",
    ),
)

UNFINISHED = Lesson(
    why=(
        "As long as the placeholder is there, the code stops at it. No check can say anything about a block that does "
        "not run."
    ),
    hints=(
        '`raise NotImplementedError` is a sign that says "to be done". Nobody can run past it.',
        "Find the placeholder in the method that is named here.",
        "Write your own lines in its place, and run the call in a cell to see that it ends.",
    ),
)

REJECTS_ARGUMENTS = Lesson(
    why=(
        "Blocks are made by other code, with the arguments of the task. A constructor that refuses them cannot be part "
        "of any network."
    ),
    hints=(
        "A call has to fit the definition: as many arguments, in that order, or by those names.",
        "Compare the signature that was expected with the first line of your constructor.",
        "Take over the signature of the task word by word, defaults included.",
    ),
)

CANNOT_BE_COMBINED = Lesson(
    why=(
        "Two tensors are added number by number, so they need the same shape. Where they differ, the block stops and "
        "has no output at all."
    ),
    hints=(
        "Branch and shortcut are two roads from x to the sum. Both must change channels, height and width in the same "
        "way.",
        "Print both shapes in front of the sum. Do the channels differ, or the height and the width?",
        "Give the shortcut a 1×1 convolution with the stride of the block: `nn.Conv2d(in_channels, out_channels, 1, "
        "stride=stride, bias=False)`.",
    ),
)

OPERATION_RAISED = Lesson(
    why=(
        "A layer was given something that it was not made for, and PyTorch stopped there. The lines behind it never "
        "ran."
    ),
    hints=(
        "Each layer expects a certain number of channels, and a certain number of dimensions.",
        "Compare the shapes that are named here with the numbers that the layer was made with.",
        "Change the layer or the tensor in front of it, so that the channels out of one are the channels into the "
        "next.",
    ),
)

RAISED = Lesson(
    why=(
        "An error ends the call, and a module that gives no output can earn no points for what it would have done. "
        "Once the first error is gone, the checks can look further."
    ),
    hints=(
        "A traceback is read from the bottom: the last line says what went wrong, the lines above say where.",
        "Run the call that is named here in a cell of your own, and find the last line that is yours.",
        "Mend that line, and try each of the other calls of the task as well.",
    ),
)

NO_OUTPUT = Lesson(
    why="The next layer needs what this one has computed. A `forward` that hands back nothing breaks the chain.",
    hints=(
        "A function gives back what stands behind `return`, and None if there is no such line.",
        "Look at the end of `forward`, and at every way through it. Does each of them reach a `return`?",
        "End it with `return` and the name of the result.",
    ),
)

NOT_ONE_TENSOR = Lesson(
    why="Modules are put one behind the other, and each expects one tensor. A pair or a list stops the next one.",
    hints=(
        "A comma makes a tuple in Python, even where it comes last in the line.",
        "Look at the line with `return`, and count what it gives back.",
        "Give back the one tensor that the task asks for, without a comma behind it.",
    ),
)

WRONG_DTYPE = Lesson(
    why=(
        "Gradients need numbers that can change a little, and whole numbers or truth values cannot. So nothing in "
        "front of this tensor would learn."
    ),
    hints=(
        "The dtype of a tensor says what its numbers are. Networks compute with `float32`.",
        "Look for a comparison, for `argmax`, or for calls such as `.int()` and `.bool()` on the way to the output.",
        "Leave that step out of `forward`: it belongs behind the network, where answers are counted.",
    ),
)

WRONG_DIMENSIONS = Lesson(
    why="The next layer counts the dimensions before it does anything else. With one more or one less it stops.",
    hints=(
        "Maps have four dimensions: batch, channels, height, width. Scores have two: batch and classes.",
        "Print the shape behind each step of `forward`. Where does a dimension come or go?",
        "Look there for `flatten`, `view`, `squeeze` or pooling, and keep the batch as the first dimension: "
        "`out.flatten(1)`.",
    ),
)

WRONG_DIMENSION = Lesson(
    why=(
        "The next step takes each dimension for what it stands for. With another number in one of them it stops, or "
        "mixes up what should stay apart."
    ),
    hints=(
        "The first number of a shape counts the samples, and each of them has a result of its own.",
        "Print the shape behind each step of `forward`. Where does that number become another one?",
        "Look there for a sum, a mean, a softmax, `view` or `transpose` along another dimension than you want, and for "
        "the sizes with which the layers were made.",
    ),
)

WRONG_CHANNELS = Lesson(
    why=(
        "The channels are what the next block expects to read. With another number it cannot even be built behind this "
        "one."
    ),
    hints=(
        "The second number of a shape is the channels. A convolution sets it to its second argument.",
        "Follow that number from layer to layer, up to the output. Where does it become something else than you want?",
        "Let the last convolution of the branch give `out_channels`, and the shortcut as well.",
    ),
)

WRONG_SIZE = Lesson(
    why=(
        "Height and width decide what the next layers see, and what they cost. Where a block changes them by itself, a "
        "network of many blocks ends up with maps that fit nothing."
    ),
    hints=(
        "A 3×3 with padding 1 keeps the size, and with stride 2 it halves it. A 1×1 needs no padding for that.",
        "Print the shape behind each convolution and each pooling, and find the first that is not what you expect.",
        "Set stride and padding of that layer, as in `nn.Conv2d(in_channels, out_channels, 3, stride=stride, "
        "padding=1)`.",
    ),
)

OTHER_ARGUMENTS = Lesson(
    why=(
        "Code that builds networks calls your class by the signature of the task. With another one it does not fit, "
        "although the block itself may be fine."
    ),
    hints=(
        "A signature is an agreement: who calls needs to know nothing of what is inside.",
        "Hold both signatures side by side, the expected one and yours.",
        "Rename and reorder your arguments so that they agree. All else was judged as your class wants to be called.",
    ),
)

WRONG_STEM = Lesson(
    why=(
        "A residual block adds its input to what it makes of it, so both have the same channels. Three colours are too "
        "few to work with: the first convolutions spread them over more."
    ),
    hints=(
        "Look at what comes before the first block, and at how many channels that block is given.",
        "The task says how many convolutions stand there, and how many channels they lead to.",
        "A 3×3 convolution from the 3 channels of the picture to the channels of the first block is enough.",
    ),
)

NO_AVERAGE = Lesson(
    why=(
        "A class is told by what is in the picture, wherever it stands. The mean over all pixels says just that, and "
        "it fits pictures of any size."
    ),
    hints=(
        "The last block gives a map for each channel. Height and width have to go, and the channels stay.",
        "Look at what comes between the last block and the linear layer. Over which dimensions does it go?",
        "Take the mean over both: `x.mean((2, 3))`, or `nn.AdaptiveAvgPool2d(1)` and `nn.Flatten()`.",
    ),
)

NEVER_HALVES = Lesson(
    why=(
        "Later layers should see more of the picture, and they do so on smaller maps. Without halving, each layer "
        "costs as much as on the full picture."
    ),
    hints=(
        "Networks for pictures trade size for channels: half the height and width, twice the channels.",
        "Look at the stride and the channels of each block in the list that was measured.",
        "Give the first block of each new stage stride 2 and twice the channels.",
    ),
)

WRONG_STAGES = Lesson(
    why=(
        "The stages say on which maps the network works, and with how many channels. With others it is another "
        "network, and its numbers do not compare."
    ),
    hints=(
        "A stage is a run of blocks whose maps have one shape. Only its first block changes the shape.",
        "Compare the two lists stage by stage, and find the first that differs.",
        "Change the channels or the stride of the first block of that stage.",
    ),
)
