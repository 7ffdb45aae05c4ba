"""What each failure of the parameters check teaches."""

from __future__ import annotations

from grader.verdict import Lesson

NOT_REGISTERED = Lesson(
    why=(
        "The optimizer trains what `parameters()` lists, and these tensors are not in that list. They stay at their "
        "random start, however long you train."
    ),
    hints=(
        "A layer becomes part of a module when it is assigned to an attribute, or sits in a container that PyTorch "
        "knows.",
        "Compare the shapes named here with your layers. Where are those layers kept?",
        "Keep them in attributes, in `nn.ModuleList` or in `nn.Sequential`, and make them in the constructor.",
    ),
)

SHARED = Lesson(
    why=(
        "Two blocks of a network with one layer between them cannot learn different things: what one of them learns "
        "changes the other. A network has fewer weights than it seems to have."
    ),
    hints=(
        "Everything that a block learns belongs to that block, and is made when the block is made.",
        "Look for layers outside of `__init__`: in the class, among the default arguments, in a cache or a dict.",
        "Make them in `__init__`, and keep them under `self`.",
    ),
)

NO_PARAMETERS = Lesson(
    why="A network without parameters has nothing that training could change. It gives the same answers for ever.",
    hints=(
        "Parameters come from layers, and layers count when they are attributes of a module.",
        "Look at where your network makes its layers, and at what happens to them then.",
        "Assign them in the constructor, as in `self.body = nn.Sequential(...)`.",
    ),
)

NOT_AS_PLANNED = Lesson(
    why=(
        "Two networks can be compared when they have equally many parameters. A wrong count is also a sure sign that "
        "some layer is not what it should be."
    ),
    hints=(
        "A convolution has channels in × channels out × kernel × kernel weights, and one bias for each channel out if "
        "it has any.",
        "Count stage by stage, and see where the difference arises. Is it as large as all biases, or as one layer?",
        "Check these four: `bias=False` in front of a batch norm, the blocks in each stage, their channels, and the "
        "last linear layer.",
    ),
)

SAME_FOR_EVERY_OUTPUT = Lesson(
    why=(
        "A network for a hundred classes needs more scores than one for ten. If its size never changes, it ignores how "
        "many classes it was asked for."
    ),
    hints=(
        "The last linear layer has one row of weights for each class.",
        "Follow the argument for the number of classes to the last layer. Does it arrive?",
        "Hand it over: `nn.Linear(channels, num_classes)`.",
    ),
)

OTHER_LAYERS = Lesson(
    why=(
        "Parameters come from the layers, so another number of them means that a layer differs. A block that is larger "
        "or smaller than asked for cannot be compared with the reference."
    ),
    hints=(
        "Each layer has its own count: kernels, channels in and out, and a bias or none.",
        "The message names shapes that only one side has. Which of your layers has such a shape, or should have it?",
        "Make that layer as the task says, or remove it, or add it. Then count again: `sum(p.numel() for p in "
        "block.parameters())`.",
    ),
)
