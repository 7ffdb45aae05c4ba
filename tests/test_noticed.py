"""Mistakes that are noticed: where they point, in which order they are named, and what does not make them."""

from __future__ import annotations

import pytest
from judging import examine_source, find_exercise, judge, right_answers

from grader.assignment import ModuleExercise
from grader.mistakes import mistakes
from grader.mistakes._mistake import RESBLOCK, Notice, Noticed, changed
from grader.mistakes.network import NETWORK
from grader.verdict import Proof

RET = "return F.relu(out + identity)"
FIRST = "        out = F.relu(self.bn1(self.conv1(x)))\n"
LAST = "        self.shortcut = nn.Sequential()\n"
NAMELESS = changed(RESBLOCK, (RET, "return nowhere"))
RANDOM = changed(RESBLOCK, (RET, RET + " + torch.rand(())"))
DROPPED = changed(RESBLOCK, (RET, "return F.dropout(F.relu(out + identity))"))


def noticed(source: str, mistake: str) -> Notice | None:
    """The evidence for a mistake in a basic block."""
    exercise = find_exercise("resblock")[1]
    assert isinstance(exercise, ModuleExercise)
    member = mistakes()[mistake]
    assert isinstance(member, Noticed)
    return member.notice(examine_source(source, exercise, right_answers("resblock")))


@pytest.mark.parametrize(
    ("change", "mistake", "proof", "pointed_at"),
    [
        ((LAST, LAST + "        nn.Linear(3, 3)\n"), "layer-not-kept", Proof.REPORTED, "nn.Linear(3, 3)"),
        ((LAST, LAST + "        self.bn2 = nn.Identity()\n"), "layer-overwritten", Proof.REPORTED, "nn.Identity()"),
        ((LAST, LAST + "        super(int, self).f()\n"), "super-wrong", Proof.MEASURED, "super(int, self).f()"),
        ((FIRST, FIRST + "        self.nothing(out)\n"), "attribute-missing", Proof.MEASURED, "self.nothing(out)"),
        ((FIRST, FIRST + "        nothing(out)\n"), "name-error", Proof.MEASURED, "nothing(out)"),
        ((FIRST, FIRST + "        out = nn.Tanh(out) + 1\n"), "layer-not-called", Proof.MEASURED, "nn.Tanh(out) + 1"),
        ((FIRST, FIRST + "        out.numpy()\n"), "numpy-in-forward", Proof.MEASURED, "out.numpy()"),
    ],
)
def test_a_noticed_mistake_points_at_its_line(
    change: tuple[str, str], mistake: str, proof: Proof, pointed_at: str
) -> None:
    """Cell and line are those where it happened; what only the student's process says is not called measured."""
    source = changed(NAMELESS, change)
    found = noticed(source, mistake)
    assert found is not None
    assert (proof, 1) == (found.proof, found.cell)
    assert pointed_at in source.splitlines()[(found.line or 0) - 1]


@pytest.mark.parametrize(
    "line",
    [
        "out = nn.Conv2d(8, 8, 3, padding=1.0)(out)",
        "out = nn.ReLU()(out, inplace=True)",
        "out = nn.Sequential(nn.ReLU())(out, x)",
        "out = [m(out) for m in self.conv2][0]",
        "out = F.conv2d(out, self.conv2.weight, padding='one')",
    ],
)
def test_an_error_that_names_a_layer_is_not_one_that_was_given_a_layer(line: str) -> None:
    """Whoever calls a layer wrongly has called it."""
    assert noticed(changed(NAMELESS, (FIRST, f"{FIRST}        {line}\n")), "layer-not-called") is None


def test_a_layer_that_is_added_without_being_called_is_named() -> None:
    """Forgotten brackets."""
    found = noticed(changed(RESBLOCK, (RET, "return F.relu(out + self.shortcut)")), "layer-not-called")
    assert found is not None
    assert found.proof is Proof.MEASURED


@pytest.mark.parametrize(
    ("lines", "mistake", "pointed_at"),
    [
        (["identity = x", "identity += out", "return F.relu(identity)"], "input-modified", "identity += out"),
        (["out = torch.sigmoid(out)", "out += x", "return out"], "inplace-breaks-backward", "out += x"),
        (["out = F.dropout(out)", "return F.relu(out + x)"], "dropout-added", "F.dropout(out)"),
        (["out = out * torch.rand(())", "return F.relu(out + x)"], "random-behaviour", "torch.rand(())"),
        (["out = nn.Parameter(torch.rand(1)) * out", "return out"], "layer-created-in-forward", "nn.Parameter"),
    ],
)
def test_what_was_measured_points_at_its_line(lines: list[str], mistake: str, pointed_at: str) -> None:
    """The numbers prove that it happens; the recording says where."""
    source = RESBLOCK[: RESBLOCK.index("        identity =")] + "".join(f"        {line}\n" for line in lines)
    found = noticed(source, mistake)
    assert found is not None
    assert (Proof.MEASURED, 1) == (found.proof, found.cell)
    assert pointed_at in source.splitlines()[(found.line or 0) - 1]


def test_a_result_thrown_away_is_named_before_what_it_causes() -> None:
    """It points at the line; the missing operation is proven by replay."""
    source = changed(RESBLOCK, (RET, "out + identity\n        return F.relu(out)"))
    first, second = judge(source, "resblock").diagnoses[:2]
    assert ("result-discarded", Proof.REPORTED) == (first.mistake, first.proof)
    assert "out + identity" == source.splitlines()[(first.line or 0) - 1].strip()
    assert ("shortcut-missing", Proof.REPLAYED) == (second.mistake, second.proof)


def test_numbers_that_python_only_looks_at_decide_nothing() -> None:
    """Whoever asserts or prints computes the same for other numbers; what is wrong lies elsewhere."""
    looks = FIRST + "        assert out.mean().item() < 1e9\n"
    odd = changed(RESBLOCK, (FIRST, looks), (RET, "return F.relu(out * 3 + identity.cos())"))
    assert noticed(odd, "decided-by-data") is None


def test_operands_that_do_not_fit_are_told_with_their_origins() -> None:
    """Shape, formula and line of each."""
    source = changed(RESBLOCK, (RET, "return F.relu(out + identity.flatten(2)[:, :3])"))
    found = noticed(source, "shape-mismatch")
    assert found is not None
    assert Proof.MEASURED is found.proof
    assert "flatten(2)[:, :3]" in source.splitlines()[(found.line or 0) - 1]
    assert "2×8×8×8 (bn(conv3x3(relu(bn(conv3x3(x))))), line 23)" in found.message
    assert "2×3×64 (" in found.message


@pytest.mark.parametrize(
    ("source", "mistake"),
    [
        (changed(RANDOM, (FIRST, FIRST + "        print(out.tanh())\n")), "result-discarded"),
        (changed(RANDOM, (FIRST, FIRST + "        self.last = out.tanh()\n")), "result-discarded"),
        (
            changed(RANDOM, (FIRST, FIRST + "        print(out.detach().numpy()[0], out.tolist())\n")),
            "numpy-in-forward",
        ),
        (changed(RANDOM, (FIRST, FIRST + "        out = F.dropout(out, 0.5, False)\n")), "dropout-added"),
        (changed(DROPPED, (LAST, LAST + "        torch.rand(3)\n")), "random-behaviour"),
        (changed(DROPPED, (LAST, LAST + "        torch.rand(3)\n")), "state-kept"),
        (changed(NAMELESS, (LAST, LAST + "        self.bn2 = nn.Sequential(self.bn2)\n")), "layer-overwritten"),
        (changed(NAMELESS, (LAST, LAST + "        self.kept = [nn.Linear(3, 3)]\n")), "layer-not-kept"),
    ],
)
def test_what_is_no_mistake_is_not_named(source: str, mistake: str) -> None:
    """The program is wrong, but not for that."""
    assert noticed(source, mistake) is None


def test_a_typo_is_a_typo_where_tensorflow_is_imported_too() -> None:
    """Only a name that the import would have brought shows another framework."""
    imported = "import tensorflow as tf\n" + changed(RESBLOCK, (RET, "return F.relu(out + identiy)"))
    assert noticed(imported, "not-pytorch") is None
    assert noticed(imported, "name-error") is not None
    other = "import tensorflow as tf\n" + changed(RESBLOCK, (RET, "return tf.nn.relu(out + identity)"))
    assert noticed(other, "not-pytorch") is not None
    assert noticed(other, "name-error") is None


def test_a_long_formula_of_an_operand_is_cut_to_its_last_step() -> None:
    """That of a whole network, at the linear layer behind it, helps nobody."""
    source = changed(NETWORK, ("nn.Linear(64, num_classes)", "nn.Linear(128, num_classes)"))
    (message,) = (found.message for found in judge(source, "network").diagnoses)
    assert message.startswith("A linear layer raises in build_network(")
    assert "2×64, view (layer 8)" in message
    assert len(message) < 300
