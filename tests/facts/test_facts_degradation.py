"""Degradation, on five seeds: the deep plain network does not learn what the shallow and the residual one do."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from reference.cost import parameters
from reference.degradation import (
    PlainLayer,
    ResidualLayer,
    error_on_new,
    error_on_trained,
    plain,
    residual,
    spirals,
    task,
    train,
    training_error,
)

pytestmark = pytest.mark.heavy

SEEDS = range(5)


def test_a_deep_plain_network_has_the_higher_training_error() -> None:
    """He 2015, section 1 and figure 1, and section 4.2, figure 6: 32 layers against 4, and against 32 with shortcuts.

    In every one of five seeds, so by a sign test with p = 1/32, and by a margin: at least 10 % of the training points
    wrong against at most 5 %. (Of 20 seeds the best plain network had 18 % and the worst residual one 0.4; the means
    were 35 and 0.02.) It is the training error, so it is not overfitting.
    """
    for seed in SEEDS:
        x, y = spirals(seed)
        deep = training_error(train(plain(32, seed), x, y), x, y)
        shallow = training_error(train(plain(4, seed), x, y), x, y)
        with_shortcuts = training_error(train(residual(32, seed), x, y), x, y)
        assert deep >= 0.10, f"seed {seed}"
        assert shallow <= 0.05, f"seed {seed}"
        assert with_shortcuts <= 0.05, f"seed {seed}"


def test_the_comparison_is_between_equals() -> None:
    """As many parameters, and the same ones at the start."""
    ours, theirs = plain(40, seed=1), residual(40, seed=1)
    assert 40 * (16 * 16 + 16 + 2 * 16) + 3 * 16 + 17 * 2 == parameters(ours) == parameters(theirs)
    pairs = zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True)
    assert all(torch.equal(left, right) for left, right in pairs)


def test_the_same_seed_is_the_same_experiment() -> None:
    """And nobody else's random numbers are touched."""
    before = torch.get_rng_state()
    first, second = spirals(3), spirals(3)
    assert torch.equal(first[0], second[0])
    assert not torch.equal(first[0], spirals(4)[0])
    assert torch.equal(plain(2, 3)[0].weight, plain(2, 3)[0].weight)
    assert torch.equal(before, torch.get_rng_state())


def test_a_deeper_network_could_do_as_well() -> None:
    """He 2015, section 1, the solution "by construction": further layers that are identities change nothing.

    For a residual layer zero weights are the identity. A plain layer with zero weights forgets its input.
    """
    x, _ = spirals(0)
    shallow = residual(4, seed=0).eval()
    for layer, same in [(ResidualLayer, True), (PlainLayer, False)]:
        added = [layer().eval() for _ in range(36)]
        for one in added:
            nn.init.zeros_(one.fc.weight)
            nn.init.zeros_(one.fc.bias)
        deep = nn.Sequential(*shallow[:-1], *added, shallow[-1])
        assert same == torch.equal(shallow(x), deep(x))


def test_the_errors_of_the_exercise_are_those() -> None:
    """A residual network of 32 layers gets the points right that it has not seen, too: it has learned the spirals."""
    given, targets = task(seed=5)
    assert [256, 256, 512] == [len(value) for value in given.values()]
    network = train(residual(32, seed=5), given["points"], given["labels"])
    predicted = network(given["asked"]).argmax(1).double()
    assert training_error(network, given["points"], given["labels"]) == error_on_trained(predicted, targets)
    assert error_on_new(predicted, targets) <= 0.05
    assert 1.0 == error_on_trained(1 - torch.cat(targets), targets) == error_on_new(1 - torch.cat(targets), targets)
    assert 0.4 < error_on_new(torch.cat([targets[0]] * 2), targets) < 0.6  # no order of classes to be guessed
    assert not set(given["asked"][256:, 0].tolist()) & set(given["points"][:, 0].tolist())


def test_what_is_learned_of_other_spirals_is_of_no_use() -> None:
    """The exercise turns and mirrors its spirals and labels their arms at random: whoever trains on points of their own
    is wrong in more than half of the rounds."""
    x, y = spirals(0)
    network = train(plain(4), x, y)
    errors = []
    for seed in range(30):
        given, targets = task(seed)
        errors.append(error_on_new(network(given["asked"]).argmax(1), targets))
    assert sum(error > 0.1 for error in errors) > 15
    assert 0.3 < sum(errors) / len(errors) < 0.7
