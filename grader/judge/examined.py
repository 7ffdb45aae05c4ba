"""One exercise of one submission, with everything that was seen of it. Checks and mistakes read this."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from pydantic import JsonValue

from grader.assignment import Case, ModuleExercise, NetworkExercise
from grader.errors import SessionEnded
from grader.graph import Node
from grader.judge.anatomy import block_uses, residual_additions
from grader.judge.behaviour import behaves_like, orders, possible_orders
from grader.judge.calls import Convention, as_asked
from grader.judge.forms import Form, first_of_each_variant
from grader.judge.latest import Latest
from grader.judge.network import NOT_RECORDED, JudgedBlock, RecordedNetwork
from grader.judge.observed import Observation
from grader.judge.plan import Stage, blocks_by_channels, stages
from grader.judge.reference import Reference
from grader.judge.right_forms import biased_forms, biased_like, fused_like, linear_like, right_forms
from grader.judge.slots import Signature, signature
from grader.judge.trunk import Departure
from grader.judge.wrongs import WrongForms
from grader.language import say
from grader.observation import ANYWHERE, Constructor, Problem, Raised, Stands

# With these a block adds nothing to its input: in a network that is made of it there are none to be counted.
WITHOUT_ADDITION = frozenset(f"shortcut-{how}" for how in "missing multiplied divided concatenated gated".split())
LAYER_UNUSED = "layer-unused"
BN_FROZEN = "bn-frozen"
SHARED_WEIGHTS = "weights that two blocks have in common"  # has cost already: see `Examined.paid`
MOST_FUSED = 1000  # sets of slots that students have, for which it is known whether layers in one explain them


class RightAnswers:
    """The accepted forms of one module exercise; kept from submission to submission, with their outcomes.

    Attributes:
        wrongs: these forms with mistakes planted in them.
    """

    def __init__(self, reference: Reference, seed: int, device: str) -> None:
        self.reference = reference
        self.wrongs = WrongForms(self.forms)
        self._forms: dict[str, list[Form]] = {}
        self._like: dict[tuple[str, Form, bool], list[Form]] = {}
        self._biased: dict[str, list[Form]] = {}
        self._fused: Latest[list[Form]] = Latest(MOST_FUSED)
        self._seed = seed
        self._device = device

    def forms(self, case: Case) -> list[Form]:
        """Every accepted form of a case; the plain reference first."""
        if case.title not in self._forms:
            self._forms[case.title] = list(right_forms(self.reference, case, self._seed, self._device))
        return self._forms[case.title]

    def others(self, case: Case, seen: Observation) -> list[Form]:
        """Forms that are right as well, though not among those of `forms`: with redundant biases on just those of many
        layers that have them in a student's module, and with layers side by side that are one layer there."""
        is_free = self.reference.exercise.conv_bias == "free"
        plain = self.plain_forms(case) if is_free else []
        ways = ((each, like) for each in plain for like in (biased_like, linear_like))
        biased = [form for each, like in ways if (form := like(each, seen.layout)) is not None]
        return [*biased, *self._fused_forms(case, signature(seen.slots))]

    def _fused_forms(self, case: Case, wanted: Signature) -> list[Form]:
        """Those with layers side by side as one layer that have these slots; kept."""
        plain = self.plain_forms(case)
        return self._fused.get((case.title, wanted), lambda: [f for each in plain for f in fused_like(each, wanted)])

    def like(self, case: Case, form: Form, *, same_layout: bool) -> list[Form]:
        """Accepted forms of a case with as many slots of each role and shape as a form, in the same places; kept."""
        fused = self._fused_forms(case, form.signature)
        if form not in self.forms(case) and form not in fused:
            return [form]  # one student's own: see `others`
        key = (case.title, form, same_layout)
        if key not in self._like:
            like = [f for f in self.forms(case) if f.signature == form.signature] + fused
            self._like[key] = [f for f in like if f.layout == form.layout] if same_layout else like
        return self._like[key]

    def plain_forms(self, case: Case) -> list[Form]:
        """Of each variant the form without redundant biases."""
        return first_of_each_variant(self.forms(case))

    def biased_forms(self, case: Case) -> list[Form]:
        """The plain forms with every set of redundant biases, whether the assignment allows them or not."""
        if case.title not in self._biased:
            plain = self.plain_forms(case)
            self._biased[case.title] = [form for each in plain for form in biased_forms(each)]
        return self._biased[case.title]


@dataclass(frozen=True)
class OtherCall:
    """A case in which a network is, by its number of parameters, that for another value of an argument."""

    seen: Observation
    argument: str
    value: JsonValue


@dataclass(frozen=True)
class Large:
    """A network in a case that only confirms, taken apart as well.

    Attributes:
        blocks: what was found out about its blocks, first to last.
        plan: the stages that it is to have.
        departs: does it give something else than the reference, or has it another number of parameters?
    """

    seen: Observation
    blocks: list[JudgedBlock]
    plan: list[Stage]
    departs: bool

    @property
    def stages(self) -> list[Stage]:
        """The stages that its blocks make."""
        return stages(block.segment for block in self.blocks)

    @property
    def uses_again(self) -> int:
        """How often one of its blocks is used again, by the weights."""
        used: set[str] = set()
        again = 0
        for block in self.blocks:
            again += bool(block.segment.weights) and block.segment.weights <= used
            used |= block.segment.weights
        return again

    @property
    def wrong_stages(self) -> bool:
        """Has it as many stages' worth of blocks as planned, but of other channels, or on maps of another size?"""
        wanted, found = self.plan, self.stages
        return self.departs and wanted != found and blocks_by_channels(wanted) == blocks_by_channels(found)


@dataclass(frozen=True)
class OtherCounts:
    """A case in which a network has, by its parameters, other numbers of blocks than it is to have.

    Attributes:
        more: how many more blocks there are, by the channels that they give.
    """

    seen: Observation
    more: dict[int, int]


@dataclass
class Examined:
    """What the checks judge.

    Attributes:
        found: the name under which the submission defines it, or None.
        observations: one for each case that could be asked.
        ended: why the student's process ended before all cases were asked, if it did.
        problems: what went wrong while the cells ran.
        stands: where the text defines it.
        network: what a network was recorded to compute, put to the test.
        blocks: what was found out about the blocks of a network, first to last.
        plan: the stages that a network is to have; none if any will do.
        trunk: where a network of right blocks departs from the reference outside of them, if it must not.
        trunk_seen: in which case that was seen.
        large: what was found out about the blocks of such a network in cases that only confirm.
        unconfirmed: large cases in which it gives something else, though it is right in the smaller one, and nothing
            that was found out there explains it.
        planned_parameters: how many parameters a network is to have, by the case's title; empty if any number will do.
        excused_parameters: how many it is to have with blocks whose mistakes have cost already, where that is another
            number; None where it is not known.
        other_call: a case in which it is the network of another call; None if there is none.
        other_counts: the first case in which nothing but its number of blocks explains its number of parameters, where
            it is one that is not looked at block by block; None if there is none.
        paid: the exercises that came before a network, by the mistakes that have cost there.
        misshapen: the exercise before a network whose block, of which this one is made, gives another shape than it
            should, which has cost there; or "".
        stopped_by: the exercise whose mistake keeps this one from running, and has cost already; or "".
        convention: how the constructor was called.
    """

    exercise: ModuleExercise | NetworkExercise
    found: str | None
    answers: RightAnswers | None
    observations: list[Observation] = field(default_factory=list)
    ended: SessionEnded | None = None
    problems: list[Problem] = field(default_factory=list)
    defined: list[str] = field(default_factory=list)  # classes and functions that there are
    stands: Stands = ANYWHERE
    network: RecordedNetwork = NOT_RECORDED
    blocks: list[JudgedBlock] = field(default_factory=list)
    plan: list[Stage] = field(default_factory=list)
    trunk: Departure | None = None
    trunk_seen: Observation | None = None
    large: list[Large] = field(default_factory=list)
    unconfirmed: list[Observation] = field(default_factory=list)
    planned_parameters: dict[str, int] = field(default_factory=dict)
    excused_parameters: dict[str, int | None] = field(default_factory=dict)
    other_call: OtherCall | None = None
    other_counts: OtherCounts | None = None
    paid: dict[str, str] = field(default_factory=dict)
    misshapen: str = ""
    stopped_by: str = ""
    convention: Convention | None = None

    @property
    def raised(self) -> list[Raised]:
        """The first exception of each case that raised."""
        return [seen.raised for seen in self.observations if seen.raised is not None]

    @property
    def ran(self) -> list[Observation]:
        """Cases in which the module was built and gave a tensor."""
        return [seen for seen in self.observations if seen.built.output and seen.built.output.kind == "tensor"]

    @cached_property
    def block_uses(self) -> tuple[int, int]:
        """How many blocks a network has, and how often one of them is used again.

        A block counts if the graph shows its addition, if it is right, however it adds, or if its mistake has cost
        already, even if it adds nothing.
        """
        if self.network.graph is None:
            return 0, 0
        first, again = map(set, block_uses(self.network.graph))
        if not self.blocks:
            return len(first), len(again)
        used: set[str] = set()
        new = repeated = 0
        for block in self.blocks:
            nodes, weights = block.segment.nodes, block.segment.weights
            if nodes & again or (weights and weights <= used):
                repeated += 1
            elif nodes & first or block.right or block.excused:
                new += 1
            used |= weights
        return new, repeated

    @property
    def repeated(self) -> tuple[Observation, int, int] | None:
        """Where blocks of a network are used again: in which case, how many blocks there are, and how often one is used
        again; None if none is, or that has cost already."""
        if SHARED_WEIGHTS in self.paid or self.taken_apart is None:
            return None
        large = ((each.seen, len(each.blocks) - each.uses_again, each.uses_again) for each in self.large)
        return next((found for found in ((self.taken_apart, *self.block_uses), *large) if found[2]), None)

    @cached_property
    def sharing_blocks(self) -> list[tuple[JudgedBlock, JudgedBlock, list[str]]]:
        """Pairs of a network's blocks of which the second has some of the first one's parameters, with their names;
        none where that has cost already."""
        if SHARED_WEIGHTS in self.paid:
            return []
        keys = [block.segment.parameters for block in self.blocks]
        pairs = ((i, k) for k in range(len(keys)) for i in range(k) if not keys[i].isdisjoint(keys[k]))
        return [
            (self.blocks[i], self.blocks[k], sorted(key.removeprefix("p:") for key in keys[i] & keys[k]))
            for i, k in pairs
        ]

    @property
    def taken_apart(self) -> Observation | None:
        """The case in which a network is looked at block by block: the first that ran and does not only confirm."""
        return next((seen for seen in self.ran if not seen.case.confirm), None)

    @property
    def wrong_blocks(self) -> list[JudgedBlock]:
        """The blocks of a network, in each case in which it was taken apart, that make a known mistake which has not
        cost yet."""
        blocks = [*self.blocks, *(block for large in self.large for block in large.blocks)]
        return [block for block in blocks if block.diagnoses and not block.excused]

    @property
    def frozen_norms(self) -> list[Node]:
        """The batch norms of a network that use in training what they have kept, as recorded there; none where that has
        cost already, or is a mistake of its blocks."""
        trained = self.network.trained
        if trained is None or BN_FROZEN in self.paid:
            return []
        if any(diagnosis.mistake == BN_FROZEN for block in self.blocks for diagnosis in block.diagnoses):
            return []
        norms = (node for node in trained.nodes if node.name == "native_batch_norm" and len(node.args) > 5)
        return [node for node in norms if node.args[3] is not None and node.args[5] is False]

    @property
    def adds_nothing(self) -> str:
        """The exercise in which a block without an addition has cost already, of which it may be made; or ""."""
        return next((exercise for mistake, exercise in self.paid.items() if mistake in WITHOUT_ADDITION), "")

    @property
    def hides_blocks(self) -> bool:
        """Do paths part in front of a network's last blocks and meet again behind its pooling, as in a head that reads
        several stages? Then what stands between is not told block by block."""
        return any(block.is_unknown and len(block.segment.output.shape) != 4 for block in self.blocks)

    @property
    def block_maps(self) -> list[list[int]]:
        """Shapes of the outputs of a network's blocks that give maps, first to last."""
        graph = self.network.graph
        if any(block.right or block.excused for block in self.blocks):
            shapes = (block.segment.output.shape for block in self.blocks)
            return [shape for shape in shapes if len(shape) == 4]  # paths may part and meet again behind the pooling
        if graph is None:
            return []
        nodes = graph.by_id
        # The operands' shape: a sum by `stack` has one dimension more.
        return [nodes[nodes[i].inputs[0]].shape for i in residual_additions(graph)]

    @property
    def stages(self) -> list[Stage]:
        """The stages that the network's blocks make."""
        return stages(block.segment for block in self.blocks)

    def has_cost(self, key: str) -> bool:
        """Has it cost already, in a network, that no gradient reaches this parameter, or the input ("x")?

        So it is for the parameters of a block that was marked down in its own exercise, and for all that the network
        uses in front of it. A parameter that is used nowhere is another matter: it has cost where blocks with such a
        layer were marked down for it.
        """
        if self.network.graph is None:
            return False
        used = {node.leaf.key for node in self.network.graph.nodes if node.leaf is not None}
        if LAYER_UNUSED in self.paid and key not in used:
            return True
        excused = [block for block in self.blocks if block.excused]
        if not excused:
            return False
        return key in used or any(key.startswith(f"p:{block.segment.path}.") for block in excused)

    @property
    def signature(self) -> str:
        """What the task asks for: `ResBlock(in_channels, out_channels, stride)`."""
        return f"{self.exercise.name}({', '.join(self.exercise.cases[0].arguments)})"

    def output_shape(self, case: Case, shape: tuple[int, ...]) -> list[int]:
        """The shape that the output for an input of this shape, batch included, must have."""
        if isinstance(self.exercise, NetworkExercise):
            outputs = case.arguments[self.exercise.outputs]
            assert isinstance(outputs, int)
            return [shape[0], outputs]
        if self.exercise.withheld:
            return case.told_output(shape) or []
        assert self.answers is not None
        return self.answers.reference.output_shape(case, shape)

    def output_shapes(self, case: Case, shape: tuple[int, ...]) -> list[list[int]] | None:
        """Of several tensors that must be returned the shape of each; None where it is one, or not known."""
        return self.answers.reference.output_shapes(case, shape) if self.answers is not None and case.inputs else None

    def knows_shape(self, case: Case, shape: tuple[int, ...]) -> bool:
        """Is it known which shape the output must have? Not always, where the reference is withheld."""
        is_module = isinstance(self.exercise, ModuleExercise)
        return not (is_module and self.exercise.withheld) or case.told_output(shape) is not None

    def rejects_arguments(self, raised: Raised) -> bool:
        """Did the constructor itself refuse what it was called with, and not a call inside it?"""
        return (
            raised.stage == "constructor"
            and raised.type == "TypeError"
            and raised.cell is None  # raised by the call itself
            and raised.message.startswith((f"{self.found}.__init__() ", f"{self.found}() "))
        )

    def call(self, case: Case) -> str:
        """The call of a case as the student would write it: `ResBlock(8, 16, 2)`."""
        return f"{self.found or self.exercise.name}{(self.convention or as_asked(self.exercise)).call(case)}"

    @property
    def fitting(self) -> int:
        """In how many cases the module gave a tensor of the right shape."""
        shapes = ((seen, (2, *seen.case.input)) for seen in self.ran)
        return sum(
            not self.knows_shape(seen.case, x) or seen.built.output.shape == self.output_shape(seen.case, x)
            for seen, x in shapes
            if seen.built.output
        )

    @property
    def constructor(self) -> Constructor | None:
        """What the constructor takes, as the student's process says."""
        return next((seen.built.constructor for seen in self.observations if seen.built.constructor is not None), None)

    @property
    def departures(self) -> list[str]:
        """What of the way in which the constructor had to be called is not as the assignment accepts it."""
        found = self.convention.departures if self.convention is not None else ()
        return [departure for departure in found if departure not in self.exercise.accept]

    @property
    def wrong_small_cases(self) -> list[Observation]:
        """What was seen in the cases in which the module is wrong, but for large ones that confirm."""
        return [seen for seen in self.observations if not seen.case.confirm and self.right_form(seen) is None]

    def right_form(self, seen: Observation) -> Form | None:
        """The right form that a module behaves like in a case, if any."""
        return next((form for form in self.possible_forms(seen) if behaves_like(seen, [form])), None)

    def right_forms(self, seen: Observation) -> Iterator[Form]:
        """Accepted forms that have the student's slots in this case, filled in every way that it leaves open."""
        for form in self._forms_like(seen):
            yield from orders(seen, form)

    def possible_forms(self, seen: Observation) -> Iterator[Form]:
        """Those of them that the student's module may be, as far as that is soon told; of others one way each."""
        for form in self._forms_like(seen):
            yield from possible_orders(seen, form)

    def _forms_like(self, seen: Observation) -> list[Form]:
        if self.answers is None or seen.aligned is None:
            return []
        return self.answers.like(seen.case, seen.aligned, same_layout=seen.recorded)

    def form_of_like_number(self, seen: Observation) -> Form | None:
        """An accepted form with as many parameters in all, however they are kept."""
        if self.answers is None:
            return None
        total = seen.parameter_count
        return next((form for form in self.answers.forms(seen.case) if sum(form.sizes.elements()) == total), None)

    def form_of_like_sizes(self, seen: Observation) -> Form | None:
        """An accepted form with parameters of the same sizes, where it is not known what each of them is for."""
        if self.answers is None:
            return None
        forms = self.answers.forms(seen.case)
        return next((form for form in forms if form.sizes == seen.counted_sizes), None)


def show(shape: list[int] | None) -> str:
    """A shape as people write it: 2×16×8×8."""
    return "×".join(map(str, shape or [])) or say("a single number")
