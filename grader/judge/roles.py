"""What part each of a student's tensors plays, learned in one case and expected in the next.

Recording a module costs more than anything else that is asked of it. A tensor that was the first convolution's weight
in one case will be that in the others, and where it is not, the numbers differ: then the case is recorded after all.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from grader.judge.forms import Form, first_of_each_variant
from grader.judge.keeping import Keeping
from grader.judge.slots import Slot
from grader.judge.uses import canonical_shape
from grader.observation import Registered


@dataclass(frozen=True)
class Expectation:
    """A right form, the student's key in each of its slots, and how weights are kept, by key, where not as usual."""

    form: Form
    slots: dict[Slot, str]
    keeping: dict[str, Keeping]


@dataclass
class Roles:
    """Keys of the student's tensors by keys of the reference's.

    Attributes:
        reads: did a module that was recorded read numbers that depend on the input? Then it is expected to anywhere.
    """

    reads: bool = False
    _keys: dict[str, str] = field(default_factory=dict)
    _keeping: dict[str, Keeping] = field(default_factory=dict)
    _doubtful: bool = False

    def learn(self, form: Form, slots: dict[Slot, str], keeping: dict[str, Keeping], *, reads: bool) -> None:
        """A module was recorded, or was as expected, and does what a right form does."""
        self.reads |= reads
        self._keys |= {form.slots[slot]: key for slot, key in slots.items()}
        self._keeping |= keeping

    def doubt(self) -> None:
        """A case was not as expected, or is not right: nothing is expected any more."""
        self._doubtful = True

    @property
    def tell(self) -> bool:
        """Is there anything to expect?"""
        return bool(self._keys) and not self._doubtful

    def tell_of(self, forms: list[Form]) -> bool:
        """Is there anything to expect of a case with these right forms, one of which has only parts that are known?

        The first form of each variant has the fewest: if one is not known of them, it is not known of the others.
        """
        fewest = first_of_each_variant(forms)
        return self.tell and any(self._keys.keys() >= set(form.slots.values()) for form in fewest)

    def expect(self, tensors: list[Registered], forms: list[Form]) -> Expectation | None:
        """What these tensors are, if they are all that a right form has."""
        there = {tensor.key: tensor.shape for tensor in tensors if tensor.floating}
        if not self.tell:
            return None
        for form in forms:
            if form.signature.total() != len(there):
                continue
            slots = {slot: self._keys.get(key, "") for slot, key in form.slots.items()}
            if set(slots.values()) == set(there) and all(
                self._fits(slot, key, there[key]) for slot, key in slots.items()
            ):
                return Expectation(form, slots, {key: kept for key, kept in self._keeping.items() if key in there})
        return None

    def _fits(self, slot: Slot, key: str, shape: list[int]) -> bool:
        return canonical_shape(slot.role, shape, self._keeping.get(key)) == slot.shape
