"""What each failure of the gradient check teaches."""

from __future__ import annotations

from grader.verdict import Lesson

UNSTEADY = Lesson(
    why=(
        "If one input gives two outputs, nobody can say what the block has learned. Results cannot be repeated, and "
        "mistakes are hard to find."
    ),
    hints=(
        "With the weights held still, a block is a plain function of its input.",
        "Look in `forward` for random numbers and dropout, and for anything that is kept from one call to the next.",
        "Remove it, and call the block twice with one input in `eval()` mode: both outputs must be equal.",
    ),
)

INPUT_CHANGED = Lesson(
    why=(
        "Whoever made the input still needs it, above all to compute gradients. A block that writes into it spoils the "
        "work of the layer in front."
    ),
    hints=(
        "A tensor that you are given is not yours. Make a new one, and leave the old one as it is.",
        "Look for `+=`, names that end in an underscore, and `inplace=True` in the first lines of `forward`.",
        "Use the form that makes a new tensor, such as `out = x + y`.",
    ),
)

BACKWARD_RAISES = Lesson(
    why="Training is forward, backward, step. If the backward pass stops, not one step can be made.",
    hints=(
        "PyTorch keeps values of the forward pass, to compute gradients from them. They have to stay as they were.",
        "Run `block(x).sum().backward()` in a cell of your own, and read the last line of the error.",
        "If it speaks of an operation in place, take the form without it: `out = out + x`, and no `inplace=True`.",
    ),
)

OUTPUT_NOT_FINITE = Lesson(
    why=(
        "NaN and infinity spread: after one step all weights they touch are NaN as well. Such a network cannot be "
        "trained."
    ),
    hints=(
        "They come from dividing by zero, from roots and logarithms of negative numbers, and from very large powers.",
        "Print `torch.isfinite(out).all()` behind each step of `forward`. Where is it false for the first time?",
        "Change that step, or keep its input in range, for instance with a small number added below a division.",
    ),
)

NO_GRADIENT = Lesson(
    why=(
        "Without a gradient the optimizer does not know in which direction to go. Nothing in the module would ever "
        "learn."
    ),
    hints=(
        "The output has to be joined to the weights by operations of PyTorch, without a gap.",
        "Print `out.requires_grad` behind each step. Where does it turn false?",
        "Take out what cuts the line there: `detach()`, `.data`, `torch.no_grad()` or a tensor that is made anew.",
    ),
)

GRADIENT_NOT_FINITE = Lesson(
    why=(
        "A step along such a gradient turns the weights into NaN, and then all is lost. The output may look fine until "
        "that happens."
    ),
    hints=(
        "Some functions have a finite value but an endless slope, such as the root at zero.",
        "Look for roots, divisions, powers and logarithms on the way from the parameter that is named to the output.",
        "Keep away from the dangerous point: `torch.sqrt(v + 1e-5)` in place of `torch.sqrt(v)`.",
    ),
)

NOT_TO_INPUT = Lesson(
    why=(
        "The gradient of the input is what the layer in front learns from. If it ends here, only the last part of a "
        "network is ever trained."
    ),
    hints=(
        "Backpropagation walks from the output to the input, through each operation. One cut stops the walk.",
        "Look at what is done to the input in the first lines of `forward`, and to the shortcut.",
        "Use `x` itself there, without `detach()`, `.data` or `torch.no_grad()`.",
    ),
)

FROZEN = Lesson(
    why="A parameter that needs no gradient is left out of training. It keeps the random value that it began with.",
    hints=(
        "Each parameter has a switch, `requires_grad`, and it is on unless somebody turns it off.",
        "Search your code for that word, and look at the parameters that are named here.",
        "Leave the switch on: remove the line that sets it to false.",
    ),
)

UNUSED = Lesson(
    why=(
        "A layer that `forward` does not use gets no gradient and never learns. Either something is left out of the "
        "computation, or the layer is one too many."
    ),
    hints=(
        "To make a layer and to use it are two things. Only use makes it part of the function.",
        "Search `forward` for the layer that is named here. Is it called, and does its result go on?",
        "Call it where it belongs, or remove it from the constructor.",
    ),
)

TWO_WAYS = Lesson(
    why=(
        "The task leaves you a choice, but one block class should be one kind of block. If it changes its kind with "
        "its arguments, networks built of it are a mixture."
    ),
    hints=(
        "A freedom is used once, for all cases: the same place for the stride, the same kind of shortcut.",
        "Compare what your constructor makes for the cases that are named here. Which `if` makes the difference?",
        "Decide for one way, and take the test out.",
    ),
)

DIFFERS = Lesson(
    why=(
        "With the same weights and the same input, the same block gives the same numbers. Another number means that "
        "the layers are put together in another way."
    ),
    hints=(
        "A block is more than its list of layers: order, activations and the sum make the function.",
        'Read the formula under "What your code computes" beside the one of the task, from the inside to the outside.',
        "Change the first step that differs. If the layers agree, look at the ReLUs and at where the sum is made.",
    ),
)

GRADIENT_DIFFERS = Lesson(
    why=(
        "The output is right and the gradient is not, so the block would answer well and learn badly. Such a fault "
        "shows only in training, and late."
    ),
    hints=(
        "Forward and backward belong together. They come apart where a value is cut from its history or overwritten.",
        "Look for `detach()`, `.data`, `torch.no_grad()` and operations in place on the way to the output.",
        "Compute with the tensors themselves, by operations that make new ones.",
    ),
)

RAISES_ON_FRESH_INPUT = Lesson(
    why=(
        "The block runs for one size of picture or batch and stops for another. In use it meets all of them, and the "
        "last batch is often smaller."
    ),
    hints=(
        "A convolution works on maps of any size. A fixed number in `forward` does not.",
        "Go to the line of the error, and look for numbers that stand for a batch, a height or a width.",
        "Ask the tensor instead: `out.flatten(1)`, or `x.shape[0]` where you need the batch.",
    ),
)

SQUASHED = Lesson(
    why=(
        "The loss expects scores of any size, also negative ones. An activation at the end cuts or squeezes them, and "
        "the gradients get small."
    ),
    hints=(
        "Logits are what the last linear layer gives. Nothing comes behind it.",
        "Look at the last line of the network's `forward`.",
        "Return the result of the linear layer, without the activation.",
    ),
)

PROBABILITIES = Lesson(
    why=(
        "The loss makes probabilities of the scores by itself. Done twice, the differences between classes shrink, and "
        "the network learns slowly."
    ),
    hints=(
        "A network for classes gives logits. `nn.CrossEntropyLoss` wants just these.",
        "Search the network for `softmax` and `log_softmax`, also as the last layer of a `nn.Sequential`.",
        "Leave it out, and apply a softmax only where you want to show probabilities.",
    ),
)

TRUNK = Lesson(
    why=(
        "Right blocks do not make the network of the paper yet. What the first layers hand on, and how the last ones "
        "read the result, is part of what was measured there."
    ),
    hints=(
        "A network has a stem in front of its blocks and a head behind them.",
        "Look at the marked line, and at those around it: convolution, norm, ReLU and pooling, in this order?",
        "Write them as the task lists them, with the same kernels, strides and padding.",
    ),
)

MIXED_SAMPLES = Lesson(
    why=(
        "The images of a batch have nothing to do with each other: they were drawn by chance. If they change each "
        "other's answers, nobody can say what the network says of one."
    ),
    hints=(
        "In N×C×H×W, N counts the images. No operation of a network works along it, but for the statistics of a batch "
        "norm in training.",
        "Put one image into two batches with different company, in `eval()` mode, and compare its two rows.",
        "Give means, norms and softmax their dimension: `x.mean((2, 3))`, `softmax(dim=1)`; flatten with `flatten(1)`.",
    ),
)
FROZEN_NORMS = Lesson(
    why=(
        "Batch norms hold the values in a network at one size while its weights change. Frozen ones go on with the "
        "numbers of a network that is no more."
    ),
    hints=(
        "In which mode a layer is, its attribute `training` tells.",
        "Call `net.train()`, run a batch through it, and print `[m.training for m in net.modules()]`.",
        "Find the line that sets it to `False` again, and take that line out.",
    ),
)
