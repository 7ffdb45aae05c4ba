"""On which inputs a module must equal the reference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from grader.assignment import Case, ModuleExercise, NetworkExercise
from grader.judge.observed import RECORDED
from grader.observation import Probe

INITIAL = Probe("initial train", "initial", train=True)
# Several scales, signs, sizes and numbers of samples, in both modes, with gradients and without: a block that is right
# at one scale and wrong at another must not pass.
TRAINING = Probe("random train", "random", train=True, batch=4, scale=1.5, grow=(2, -1))
# As many samples as a batch in training has: what is normalised a part at a time has other statistics. In one case, on
# maps that are so much smaller that it takes no longer.
MANY_IN_TRAINING = replace(TRAINING, batch=18, grow=(-5, -4))
# With a gradient beyond what anybody's clipping lets through.
LARGE = Probe("random large", "random", batch=3, scale=4.0, shift=0.5, grow=(-1, 2), pull=1e3)
ONE_SMALL = Probe("random one small sample", "random", batch=1, scale=0.05, shift=-0.02, grow=(1, 3))
COMPARED = (RECORDED, LARGE, TRAINING, ONE_SMALL)
ONE_IN_TRAINING = Probe("one sample in training", "random", train=True, batch=1, gradient=False)
# What inputs look like elsewhere: behind a ReLU, blown up, vanished, in large batches and images. Forward only.
POSITIVE = Probe("positive", "random", batch=17, scale=0.5, shift=4.0, gradient=False)
NEGATIVE = Probe("negative", "random", batch=1, scale=0.5, shift=-4.0, grow=(10, 9), gradient=False)
CONSTANT = Probe("constant", "random", scale=0.0, shift=1.0, gradient=False)
HUGE = Probe("huge", "random", scale=3e4, gradient=False)
TINY = Probe("tiny", "random", batch=3, scale=1e-4, grow=(-4, -4), gradient=False)
NOTHING = Probe("nothing", "random", batch=8, scale=0.0, gradient=False)
RANGES = (POSITIVE, NEGATIVE, HUGE, TINY, CONSTANT, NOTHING, ONE_IN_TRAINING)
# A branch that an `if` may take for no signal, where there is an `if`.
FAINT = (
    Probe("faint branch", "faint-branch", gradient=False, choosing=True),
    Probe("fainter branch", "fainter-branch", gradient=False, choosing=True),
)
# Batch norms as they are made, where code looks at its own weights and may choose by what they start with.
NEW_NORMS = Probe("new norms", "new-norms", gradient=False)
# The same in a declared case: a batch as in training, an image of 32×32 and more, a map of one pixel, as behind the
# last stage; with gradients, since code may choose by the shape whether they pass. The image stands first.
FAR = {
    POSITIVE: replace(POSITIVE, batch=65, grow=(-4, -4), gradient=True),
    NEGATIVE: replace(NEGATIVE, grow=(28, 27), gradient=True, stands_first=True, far=True),
    HUGE: replace(HUGE, batch=32, grow=(-4, -4)),
    TINY: replace(TINY, batch=16),
    CONSTANT: replace(CONSTANT, batch=128, grow=(-40, -40), gradient=True, far=True),
    NOTHING: replace(NOTHING, batch=64, grow=(-4, -4)),
}
# From the second case on other numbers of samples, and maps that are wide, high and large, since code may choose by
# these too. In the first, which messages speak of, it is a batch of any size.
FURTHER: dict[Probe, tuple[Probe, ...]] = {
    LARGE: (
        replace(LARGE, batch=7, grow=(-6, 24), far=True),
        replace(LARGE, batch=5, grow=(24, 24), far=True),
        replace(LARGE, batch=10, grow=(24, -6), far=True),
    ),
    TRAINING: (replace(TRAINING, batch=6), replace(TRAINING, batch=5)),
}


def compared_probes(exercise: ModuleExercise | NetworkExercise, case: Case) -> Iterable[Probe]:
    """The probes on which a module must equal the reference in this case."""
    small = [each for each in exercise.cases if not each.confirm]
    # None for a case that is not of the exercise, as that of a block in a network: it is asked everything.
    number = next((i for i, each in enumerate(small) if each == case), None)
    flat = len(case.input) != 3
    for probe in COMPARED:
        if not case.confirm or probe.train:
            # In evaluation mode all gradients are compared on one input already: others are enough in some case.
            once = (probe is LARGE and not number) or (probe is ONE_SMALL and number == len(small) - 1)
            gradient = once or probe not in (LARGE, ONE_SMALL)
            if probe is TRAINING and number == len(small) - 1:
                probe = MANY_IN_TRAINING
            elif number and probe in FURTHER:
                probe = FURTHER[probe][(number - 1) % len(FURTHER[probe])]
            yield _asked_as(probe, flat, gradient=gradient)
    for i, probe in enumerate(RANGES if not case.confirm else ()):
        if probe is ONE_IN_TRAINING and len(case.input) == 1:
            continue  # one value per feature: no batch norm can be trained on that
        # Every range in some case; in every case where the code looks at numbers, as an `if` does.
        if number is not None and number == i % len(small):
            yield _asked_as(FAR.get(probe, probe), flat)
        else:
            yield _asked_as(probe, flat, choosing=number is not None)
    yield from (*FAINT, NEW_NORMS) if not case.confirm else ()


def _asked_as(probe: Probe, flat: bool, *, gradient: bool | None = None, choosing: bool = False) -> Probe:
    """A probe for one case: without rows and columns to add where an input has none."""
    gradient = probe.gradient if gradient is None else gradient
    if (gradient, choosing) == (probe.gradient, probe.choosing) and not flat:
        return probe
    return replace(probe, gradient=gradient, choosing=choosing, grow=(0, 0) if flat else probe.grow)
