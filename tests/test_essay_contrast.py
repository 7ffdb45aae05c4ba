"""Who is spoken of, and with whom it is compared: the right words of another block or network earn nothing."""

from __future__ import annotations

import pytest
from labelled_essays import bench

from grader.assignment import EssayExercise, find_assignment
from grader.essay import Given, PatternError, is_foreign, parse, read
from grader.verdict import ExerciseReport
from grader.written import given_text, mark

ASSIGNMENT = find_assignment("residual-ideas")
GIVEN = given_text(ASSIGNMENT)
QUESTIONS: dict[str, EssayExercise] = bench.essays(ASSIGNMENT)

TURNED = [
    ("degradation", "The 18-layer plain net has a higher training error than the 34-layer one."),
    ("degradation", "ResNets have a higher training error than plain networks when they are deep."),
    ("degradation", "The training loss goes up if the batch size is too small."),
    ("degradation", "The training error is higher in shallow networks than in deep ones."),
    ("degradation", "A shallow network has a higher training error than a deep one."),
    ("degradation", "With residual connections, the training error of the deeper net is higher."),
    ("degradation", "The training error is higher with augmentation."),
    ("degradation", "Training error is higher at the beginning of training."),
    ("degradation", "The training error increases with the number of classes."),
    ("degradation", "Deeper networks overfit: training error down, test error up."),
    ("degradation", "The shallower the network, the higher the training error."),
    ("degradation", "The optimiser has no problem finding the identity."),
    ("degradation", "SGD finds the identity without any trouble."),
    ("plain", "In a plain block the input is added to the output, in a residual block it is not."),
    ("plain", "The plain block adds the input to its output. The residual block does not."),
    ("plain", "Plain: y = F(x) + x. Residual: y = F(x)."),
    ("plain", "A plain block returns F(x) + x and the residual one returns F(x)."),
    ("plain", "Both blocks compute F(x) + x."),
    ("plain", "The residual block computes F(x)+x, and so does the plain block."),
    ("plain", "The residual block has the same layers apart from the first convolution, which it lacks."),
    ("plain", "The plain block needs no extra weights, the residual block needs some."),
    ("plain", "Only the plain block can be the identity easily."),
    ("skip", "The identity path learns the residual while the layers keep the input."),
    ("skip", "The skip path estimates the correction."),
    ("skip", "The gradient flows directly to the early layers in any network, with or without skip connections."),
    ("skip", "In a plain network as well as in a residual one the gradient goes straight to the first layers."),
    ("skip", "The gradient could flow directly to the early layers, but in practice the BN stops it."),
    ("skip", "The input is added to the output only during inference."),
    ("skip", "The input is added to the output. During training this isn't done."),
    ("skip", "The input is added to the output of the layers. Sure, right."),
    ("skip", "The input is added to the output, I mean multiplied with it."),
    ("skip", "Usually the input is added to the output of the layers. With a skip connection this is not needed."),
    ("skip", "The input is added to the output and then subtracted again."),
    ("bottleneck", "The third layer (1x1) reduces the channels."),
    ("bottleneck", "Its 3x3 convolution narrows the channels to a quarter."),
    ("bottleneck", "The bottleneck starts by expanding the channels and then reduces them with a 1x1."),
    ("bottleneck", "It is the ResBlock that has 1x1, 3x3, 1x1."),
    ("bottleneck", "A 1x1, a 3x3 and another 1x1 is what makes up the basic block."),
    ("bottleneck", "The ResBlock is so cheap that many more layers fit in the budget."),
    ("bottleneck", "The ResBlock is the cheaper one. Therefore one can stack many more layers of it."),
    ("bottleneck", "The bottleneck costs less, sorry no, it costs more parameters."),
    ("degradation", "The training error is higher for residual networks."),
    (
        "degradation",
        "The training error of a plain network is lower than that of a residual network and rises with regularisation.",
    ),
    ("degradation", "Training error gets worse the longer you train."),
    ("degradation", "The test error is higher and the training error is also smaller."),
    ("degradation", "Residual networks get worse when they get deeper."),
    ("plain", "In the plain block the output is F(x)+x, whereas the residual block returns only F(x)."),
    ("plain", "Unlike the residual block, the plain block adds x to F(x)."),
    ("plain", "They have the same layers but not the same weights count: the shortcut has weights."),
    ("skip", "The gradient is added to the activations of the earlier layer."),
    ("skip", "A skip connection adds the gradient of the early layers to the signal so that it does not vanish."),
    ("skip", "The output of a block is added to the list, and the input is taken from it."),
    ("skip", 'Each x has a "+ 1" behind the layers.'),
    ("plain", "The shortcut doesn't have zero parameters, it has many."),
    ("bottleneck", "The ResBlock reduces the channels with a 1x1 and does the 3x3 on fewer channels."),
    ("bottleneck", "The bottleneck halves the resolution of the image first, so the 3x3 convolution is cheaper."),
    ("bottleneck", "Bottleneck has less parameters. But in the end it has more parameters than the ResBlock."),
    ("skip", "The shortcut is what computes the residual."),
    ("skip", "The input is averaged with the output."),
    ("skip", "The gradient only flows directly to the early layers during test."),
    ("bottleneck", "Both blocks reduce the channels with a 1x1."),
    ("bottleneck", "The ResBlock reduces the channels first."),
    ("bottleneck", "The basic block is cheap, hence it allows more layers at the same cost."),
    ("bottleneck", "The bottleneck has more channels in the 3x3 than the ResBlock."),
    ("bottleneck", "The 1x1 at the end reduces the channels."),
    ("bottleneck", "The bottleneck has the 3x3 first and the 1x1 after it reduces the channels."),
]
MEANT = [
    ("degradation", {"deeper-worse", "training-error"}, "The deeper the network, the higher the training error."),
    ("degradation", {"optimisation"}, "The optimiser has problems finding the identity mapping."),
    ("plain", {"formula"}, "A plain block returns F(x) and the residual one returns F(x) + x."),
    ("plain", {"same-layers"}, "The residual block needs no extra weights."),
    ("skip", {"difference"}, "With the skip connection the layers only learn the residual."),
    ("skip", {"difference"}, "Thanks to the shortcut, the block just has to learn the difference."),
    ("skip", {"sum"}, "The input is multiplied by 1 and added to the output of the layers."),
    ("bottleneck", {"cheaper", "deeper"}, "The bottleneck has fewer parameters, so one can stack more of them."),
    ("bottleneck", {"narrow"}, "The first 1x1 reduces the channels and the second 1x1 expands them."),
    (
        "degradation",
        {"deeper-worse", "training-error"},
        "As a plain network gets deeper, its accuracy saturates and then drops, on the training set too.",
    ),
    (
        "degradation",
        {"training-error"},
        "The training error of the deeper network is higher than that of its shallower counterpart.",
    ),
    ("degradation", {"deeper-worse", "training-error"}, "When depth increases, the training error also increases."),
    ("degradation", {"training-error"}, "Since training error is higher as well, overfitting is not the cause."),
    ("degradation", {"training-error"}, "It's not overfitting, because the error on the training data increases too."),
    (
        "degradation",
        {"deeper-worse", "training-error"},
        "In plain networks, more layers lead to higher training error, while residual networks don't have this.",
    ),
    (
        "degradation",
        {"deeper-worse", "training-error"},
        "In contrast to residual networks, the training error of plain networks rises with depth.",
    ),
    (
        "degradation",
        {"optimisation"},
        "The deeper net could copy the shallow one and set the rest to identity, but SGD does not find this solution.",
    ),
    ("degradation", {"optimisation"}, "It is an optimisation problem: SGD has difficulties finding the identity."),
    ("plain", {"formula"}, "The plain block outputs F(x). The residual block outputs F(x) + x."),
    ("plain", {"formula"}, "The residual block adds its input to its output; the plain one doesn't."),
    ("plain", {"same-layers"}, "Both have the same number of parameters because the shortcut has no weights."),
    ("plain", {"same-layers"}, "They have the same layers and no additional parameters."),
    ("plain", {"same-layers"}, "The layers are the same except for the shortcut."),
    ("plain", {"identity"}, "The residual block can easily learn the identity by setting F to zero."),
    ("skip", {"sum"}, "A skip connection adds the input of a block to its output."),
    ("skip", {"sum"}, "It takes the input x and adds it to F(x), so y = F(x) + x."),
    (
        "skip",
        {"gradient", "sum"},
        "The input is added to the output, so the gradient can flow directly to earlier layers.",
    ),
    ("skip", {"gradient"}, "Through the skip connection the gradient reaches the first layers unchanged."),
    ("skip", {"gradient"}, "Because of the +1 the gradient does not vanish."),
    (
        "skip",
        {"gradient"},
        "Gradients can flow directly through the skip connection back to the early layers, unlike in plain networks.",
    ),
    ("skip", {"difference"}, "The block learns the residual F(x) = H(x) - x instead of H(x)."),
    ("skip", {"difference"}, "So the layers learn only what differs, i.e. the residual."),
    ("skip", {"difference"}, "If the identity is optimal, it is easier to push F to zero."),
    (
        "bottleneck",
        {"narrow", "layers"},
        "The bottleneck has a 1x1 that reduces channels, a 3x3, and a 1x1 that restores them.",
    ),
    ("bottleneck", {"cheaper"}, "Compared to a ResBlock, the bottleneck has fewer parameters."),
    ("bottleneck", {"cheaper"}, "The ResBlock needs 18 C², so the bottleneck with 17/16 C² is cheaper."),
    ("bottleneck", {"narrow"}, "The 3x3 convolution works on only a quarter of the channels."),
    ("bottleneck", {"deeper"}, "So you can stack more layers for the same cost."),
    ("bottleneck", {"layers"}, "A ResBlock uses conv3x3, conv3x3. A Bottleneck uses conv1x1, conv3x3, conv1x1."),
    ("bottleneck", {"cheaper"}, "Bottleneck blocks save parameters."),
    ("skip", {"sum"}, "We keep x, compute the layers and do `out += identity`."),
    ("skip", {"gradient"}, "No gradient is lost on the way through the shortcut."),
    ("plain", {"identity"}, "A plain block would have to learn the identity."),
    ("plain", {"same-layers"}, "The shortcut has no weights, the convs are the same as in the plain block."),
    ("plain", {"same-layers"}, "There is no difference in the layers."),
    ("degradation", {"training-error"}, "It is not overfitting since even on the training set the error rises."),
    ("degradation", {"optimisation"}, "Identity layers would be enough, but optimizers don't find them."),
]


def marked(question: str, text: str) -> ExerciseReport:
    return mark(QUESTIONS[question], text, GIVEN)


@pytest.mark.parametrize(("question", "text"), TURNED)
def test_what_is_said_of_another_earns_nothing(question: str, text: str) -> None:
    """Of the other block, in the other direction, by another layer, under another condition, or taken back."""
    assert set() == bench.credited(marked(question, text))


@pytest.mark.parametrize(("question", "says", "text"), MEANT)
def test_what_is_said_of_the_right_one_is_credited(question: str, says: set[str], text: str) -> None:
    assert says == bench.credited(marked(question, text))


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("bottleneck", "The bottleneck costs a bit more per block, but no wait, it costs less."),
        ("skip", "x is multiplied by one, i.e. it passes as it is, and added to the output of the layers."),
        ("skip", "The weights of the skip path are frozen because it has none."),
        ("skip", "The gradient of the shortcut is added to the gradient of the input."),
        ("skip", "Going back, the addition adds the gradient to the input's gradient."),
        ("skip", "With an attention layer the input gets multiplied by the output of a softmax."),
        ("skip", "The input is multiplied with the output of a gate. That's something different."),
        ("skip", "No gradient is lost on the way through the shortcut."),
        ("skip", "If the shapes are not the same, a projection is used, otherwise the identity."),
        ("plain", "The identity shortcut is replaced by a 1x1 layer if the shapes differ."),
        ("bottleneck", "A ResBlock has fewer parameters than VGG."),
        ("bottleneck", "The bottleneck has more parameters than a plain 1x1 convolution."),
    ],
)
def test_nobody_is_accused_of_what_was_put_right_or_is_true(question: str, text: str) -> None:
    assert [] == marked(question, text).diagnoses


@pytest.mark.parametrize(
    ("question", "mistake", "text"),
    [
        ("skip", "shortcut-as-condition", "The block decides for each input whether the convolutions are needed."),
        ("skip", "shortcut-removes-layers", "With a skip connection some layers are left out during training."),
        ("skip", "shortcut-without-gradient", "No gradient flows through the skip connection, only the layers learn."),
        ("skip", "shortcut-adds-gradient", "The skip connection adds the gradient of the early layers to the signal."),
        ("plain", "shortcut-removes-layers", "The residual block has fewer layers, the shortcut replaces some layers."),
        ("bottleneck", "bottleneck-costs-more", "A bottleneck has three layers and thus more parameters."),
        ("degradation", "degradation-is-overfitting", "Deeper plain nets overfit."),
    ],
)
def test_a_misconception_is_told_in_many_words(question: str, mistake: str, text: str) -> None:
    assert [mistake] == [each.mistake for each in marked(question, text).diagnoses]


# --- who does it ---------------------------------------------------------------------------------------

LEARNS = "learn residual !shortcut|skip|path~learn"


def asserts(way: str, answer: str) -> bool:
    return read(answer, {"it": [parse(way)]}, Given(""))["it"].sure


@pytest.mark.parametrize(
    "answer",
    [
        "The shortcut learns the residual.",
        "A shortcut then learns the residual.",
        "Paths learn the residual.",
    ],
)
def test_who_must_not_do_it_does_it(answer: str) -> None:
    assert not asserts(LEARNS, answer)


@pytest.mark.parametrize(
    "answer",
    [
        "The layers learn the residual.",
        "With a shortcut the layers learn the residual.",
        "The shortcut lets layers learn the residual.",
        "Beside the shortcut, layers learn the residual.",
    ],
)
def test_another_one_does_it(answer: str) -> None:
    assert asserts(LEARNS, answer)


def test_who_does_it_is_said_in_a_bar_only() -> None:
    with pytest.raises(PatternError, match="'path~learn' is no word"):
        parse("path~learn residual")


# --- other languages -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        "Die Eingabe wird zur Ausgabe der Schichten addiert, und die Schichten lernen nur die Differenz.",
        "Une connexion directe ajoute l'entrée à la sortie des couches, et le gradient passe par elle.",
        "La entrada del bloque se suma a la salida de las capas.",
    ],
)
def test_an_answer_in_another_language_is_told_what_is_read(answer: str) -> None:
    said = {check.message for check in marked("skip", answer).checks}
    assert {"Left to a human: only English is read, and this answer seems to be in another language."} == said


@pytest.mark.parametrize(
    "answer",
    [
        "y = F(x) + x",
        "",
        "Bananas are yellow.",
        "He et al. say: 1x1, 3x3, 1x1.",
        "la la la",
        "The layers of der Schicht, das Netz.",
    ],
)
def test_where_the_language_is_not_clear_it_counts_as_english(answer: str) -> None:
    assert not is_foreign(answer)
