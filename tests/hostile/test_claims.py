"""What each notebook of the corpus claims in its first cell, family by family, on one range."""

from __future__ import annotations

import pytest
from attacks import Attack, Range, assert_claim, attacks


def each(family: str) -> pytest.MarkDecorator:
    """A test is run with every attack of a family."""
    found = attacks(family)
    return pytest.mark.parametrize("attack", found, ids=[attack.path.stem for attack in found])


@each("score")
def test_no_attack_on_the_verdict_raises_a_score(shooting_range: Range, attack: Attack) -> None:
    assert_claim(shooting_range, attack)


@each("reach")
def test_nothing_that_a_submission_has_no_business_with_can_be_reached(shooting_range: Range, attack: Attack) -> None:
    assert_claim(shooting_range, attack)


@each("bombs")
def test_whatever_grows_is_bounded(shooting_range: Range, attack: Attack) -> None:
    assert_claim(shooting_range, attack)


@each("endgames")
def test_however_a_submission_ends_it_ends_alone(shooting_range: Range, attack: Attack) -> None:
    assert_claim(shooting_range, attack)
