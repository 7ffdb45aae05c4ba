"""Networks are judged block by block: what is wrong is named, and where; what is right is not accused."""

from __future__ import annotations

import pytest
from judging import judge, judge_all
from networks import BUGS, resnet
from programs import program

from grader.mistakes._mistake import BOTTLENECK, changed
from grader.mistakes.network import NETWORK
from grader.verdict import ExerciseReport, Proof, Status

pytestmark = pytest.mark.heavy

FIVE = {(1, 1): "no relu", (2, 0): "relu first", (2, 1): "multiplied", (3, 1): "no shortcut", (4, 1): "detached"}


def failed(report: ExerciseReport) -> list[tuple[str, str]]:
    return [(check.id, check.message) for check in report.checks if check.status is not Status.PASSED]


def test_five_mistakes_in_a_resnet_are_all_named_and_located() -> None:
    """Each with the block that makes it, and proven: the reference with it does exactly what the block does."""
    report = judge(resnet(FIVE), "network")
    expected = {f"In layer{stage}.{number}": BUGS[bug][1] for (stage, number), bug in FIVE.items()}
    proven = [diagnosis for diagnosis in report.diagnoses if diagnosis.proof is Proof.REPLAYED]
    assert expected == {diagnosis.message.split(":")[0]: diagnosis.mistake for diagnosis in proven}
    assert all(diagnosis.cell == 1 and diagnosis.line is not None for diagnosis in proven)
    assert {"gradient", "skip-connection"} <= {check.id for check in report.checks if check.status is Status.FAILED}


def test_a_right_resnet_gets_everything() -> None:
    """Every block is compared, and is as it should be."""
    report = judge(resnet({}), "network")
    assert [] == failed(report)
    assert [] == report.diagnoses
    skip = next(check for check in report.checks if check.id == "skip-connection")
    assert [
        "layer1.0 is as ResBlock(8, 8, 1) should be.",
        "layer1.1 is as ResBlock(8, 8, 1) should be.",
    ] == skip.evidence[:2]


@pytest.mark.parametrize("outputs", ["1000", "1"])
def test_a_network_with_another_number_of_outputs_has_gradients(outputs: str) -> None:
    """It fails by its shape and its parameters; nothing is cut from autograd, and nothing of that kind is said."""
    source = resnet({}).replace("channels, num_classes)", f"channels, {outputs})")
    assert ["shape", "parameters"] == [check for check, _ in failed(judge(source, "network"))]
    cut = judge(changed(source, (".flatten(1))", ".flatten(1)).detach()")), "network")
    assert "no gradient leaves the output" in dict(failed(cut))["gradient"]


def test_a_view_that_makes_more_rows_than_images_is_not_cut_from_autograd() -> None:
    """Nothing could be sent back through an output of another shape: the shape check says so."""
    rows = "nn.Unflatten(1, (2, 32)),\n        nn.Flatten(0, 1),\n        nn.Linear(32, num_classes)"
    source = changed(NETWORK, ("nn.Linear(64, num_classes)", rows))
    told = dict(failed(judge(source, "network")))
    assert "gives 4×10" in told["shape"]
    assert "not measured, because the output has the wrong shape" in told["gradient"]


FUNCTIONS = changed(
    NETWORK,
    (
        "    return nn.Sequential(",
        "    class Open(nn.Module):\n"
        "        def __init__(self):\n"
        "            super().__init__()\n"
        "            self.w = nn.ParameterList([nn.Parameter(torch.randn(o, i, k, k) * 0.1) for i, o, k in SHAPES])\n"
        "            self.n = nn.ModuleList([nn.BatchNorm2d(o) for _, o, _ in SHAPES])\n"
        "            self.fc = nn.Linear(32, num_classes)\n"
        "\n"
        "        def layer(self, x, number, stride=1):\n"
        "            k = self.w[number].shape[-1]\n"
        "            return self.n[number](F.conv2d(x, self.w[number], None, stride, k // 2))\n"
        "\n"
        "        def forward(self, x):\n"
        "            x = torch.relu(self.layer(x, 0))\n"
        "            x = torch.relu(self.layer(torch.relu(self.layer(x, 1)), 2) + x)\n"
        "            x = torch.relu(self.layer(torch.relu(self.layer(x, 3, 2)), 4) + self.layer(x, 5, 2))\n"
        "            x = torch.relu(self.layer(torch.relu(self.layer(x, 6)), 7) JOIN x)\n"
        "            return self.fc(x.mean((2, 3)))\n"
        "\n"
        "    shape = {'a': (16, 16, 3), 'b': (16, 32, 3), 'c': (32, 32, 3), 'p': (16, 32, 1)}\n"
        "    SHAPES = [(3, 16, 3), *(shape[letter] for letter in 'aabcpcc')]\n"
        "    return Open()\n"
        "\n"
        "\n"
        "def other(num_classes=10):\n"
        "    return nn.Sequential(",
    ),
)
RIGHT = {
    "no modules for blocks": FUNCTIONS.replace("JOIN", "+"),
    "the ReLU stands outside": changed(
        NETWORK,
        ("return F.relu(out + identity)", "return out + identity"),
        ("        ResBlock(16, 16),\n", "        ResBlock(16, 16),\n        nn.ReLU(),\n"),
        ("        ResBlock(16, 32, 2),\n", "        ResBlock(16, 32, 2),\n        nn.ReLU(),\n"),
        ("        ResBlock(32, 32),\n", "        ResBlock(32, 32),\n        nn.ReLU(),\n"),
        ("        ResBlock(32, 64, 2),\n", "        ResBlock(32, 64, 2),\n        nn.ReLU(),\n"),
    ),
    "a pooled stem": changed(NETWORK, ("        nn.ReLU(),\n", "        nn.ReLU(),\n        nn.MaxPool2d(3, 2, 1),\n")),
    "a deep stem": changed(
        NETWORK,
        (
            "        nn.Conv2d(3, 16, 3, padding=1, bias=False),\n",
            "        nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, padding=1)),\n",
        ),
    ),
    "convolutions between the stages": changed(
        NETWORK,
        (
            "        ResBlock(32, 32),\n",
            "        ResBlock(32, 32),\n        nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),\n",
        ),
    ),
    "bottlenecks": changed(
        BOTTLENECK + NETWORK,
        ("        ResBlock(16, 16),\n", "        Bottleneck(16, 16),\n        Bottleneck(16, 16),\n"),
    ),
    "an activation that changes nothing": changed(
        NETWORK,
        ("        out = F.relu(self.bn1(self.conv1(x)))", "        out = F.relu(self.bn1(self.conv1(F.relu(x))))"),
    ),
    "pooling of one size": changed(
        NETWORK, ("nn.Flatten(),", "nn.Flatten(1),"), ("nn.AdaptiveAvgPool2d(1)", "nn.AvgPool2d(8)")
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_network_is_not_accused(name: str) -> None:
    """However it is put together."""
    report = judge(RIGHT[name], "network")
    assert [] == failed(report)
    assert [] == report.diagnoses


@pytest.mark.parametrize("hand", ["Listed", "Handmade", "Linear"])
def test_blocks_of_many_hands_are_not_accused(hand: str) -> None:
    """However the sum is written, and whether or not sizes are written into what was recorded."""
    build = NETWORK[NETWORK.index("def build_network") :].replace("ResBlock", "Bottleneck")
    report = judge(program(0, "Bottleneck", hand).source + "\n\n" + build, "network")
    assert [] == failed(report)
    assert [] == report.diagnoses


SOMETIMES = {
    "only for batches": "out + identity if len(x) > 1 else out",
    "only in training": "out + identity if self.training else out",
}


@pytest.mark.parametrize("when", SOMETIMES)
def test_a_shortcut_that_is_only_sometimes_there_does_not_pass(when: str) -> None:
    """One recording shows one way; the network is asked in the others too."""
    report = judge(changed(NETWORK, ("F.relu(out + identity)", f"F.relu({SOMETIMES[when]})")), "network")
    assert not report.correct
    assert report.score < report.max_score


def test_a_block_without_a_module_is_found_by_its_place() -> None:
    """It has a number instead of a name, and its line."""
    report = judge(FUNCTIONS.replace("JOIN", "-"), "network")
    assert [("shortcut-subtracted", "In block 3")] == [(d.mistake, d.message.split(":")[0]) for d in report.diagnoses]
    line = FUNCTIONS[: FUNCTIONS.index("JOIN")].count("\n") + 1
    assert line == report.diagnoses[0].line


WRONG_BLOCKS = {
    "shortcut-multiplied": ("F.relu(out + identity)", "F.relu(out * identity)"),
    "shortcut-missing": ("F.relu(out + identity)", "F.relu(out)"),
}


@pytest.mark.parametrize("mistake", WRONG_BLOCKS)
def test_a_mistake_of_the_block_costs_once(mistake: str) -> None:
    """The network made of a block that was marked down loses nothing more, and says why."""
    reports = judge_all(changed(NETWORK, WRONG_BLOCKS[mistake]))
    assert mistake in [diagnosis.mistake for diagnosis in reports["resblock"].diagnoses]
    assert [] == failed(reports["network"])
    notes = [note for check in reports["network"].checks for note in check.notes]
    assert "marked down in resblock" in notes[0]
    alone = judge(changed(NETWORK, WRONG_BLOCKS[mistake]), "network")
    assert not alone.correct, "without the exercise before it, the network pays"


def test_another_mistake_in_the_network_costs() -> None:
    """What was marked down excuses that mistake, and no other."""
    source = changed(
        NETWORK,
        ("F.relu(out + identity)", "F.relu(out + identity.detach())"),
        (
            "    return nn.Sequential(",
            "    class Other(ResBlock):\n"
            "        def forward(self, x):\n"
            "            return F.relu(self.bn2(self.conv2(self.bn1(self.conv1(x)))) + self.shortcut(x))\n\n"
            "    return nn.Sequential(",
        ),
        ("        ResBlock(32, 32),\n", "        Other(32, 32),\n"),
    )
    reports = judge_all(source)
    assert ["shortcut-detached"] == [d.mistake for d in reports["resblock"].diagnoses]
    assert [("inner-relu-missing", "In block 3")] == [
        (d.mistake, d.message.split(":")[0]) for d in reports["network"].diagnoses
    ]
    assert "gradient" in [check for check, _ in failed(reports["network"])]


def test_the_rest_of_a_network_is_judged_as_if_its_block_were_right() -> None:
    """Too few blocks, or no halving, cost whatever the blocks do."""
    multiplied = WRONG_BLOCKS["shortcut-multiplied"]
    few = changed(
        NETWORK,
        multiplied,
        ("        ResBlock(32, 32),\n        ResBlock(32, 64, 2),\n", ""),
        ("nn.Linear(64", "nn.Linear(32"),
    )
    flat = changed(NETWORK, multiplied, ("32, 2)", "32)"), ("64, 2)", "64)"))
    assert ["skip-connection"] == [check for check, _ in failed(judge_all(few)["network"])]
    assert ["shape"] == [check for check, _ in failed(judge_all(flat)["network"])]


def test_a_block_of_another_kind_is_left_to_a_human() -> None:
    """It is no block of the other exercises, and makes no mistake that is known: its points are pending."""
    source = changed(
        NETWORK,
        (
            "    return nn.Sequential(",
            "    class Other(ResBlock):\n"
            "        def forward(self, x):\n"
            "            gate = torch.sigmoid(x.mean((2, 3), keepdim=True))\n"
            "            out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))\n"
            "            return F.relu(gate * out + (1 - gate) * x)\n\n"
            "    return nn.Sequential(",
        ),
        ("        ResBlock(32, 32),\n", "        Other(32, 32),\n"),
    )
    report = judge(source, "network")
    assert [] == report.diagnoses
    pending = [check for check in report.checks if check.status is Status.SKIPPED]
    assert ["skip-connection"] == [check.id for check in pending]
    assert pending[0].message.startswith("block 3: ")


def test_a_network_that_stops_where_its_block_stops_is_left_to_a_human() -> None:
    """What keeps it from running was marked down in the block's own exercise; the rest was never seen."""
    reports = judge_all(changed(NETWORK, ("out_channels, 1, stride=stride, bias", "out_channels, 1, bias")))
    assert ["projection-ignores-stride"] == [diagnosis.mistake for diagnosis in reports["resblock"].diagnoses]
    assert {Status.SKIPPED} == {check.status for check in reports["network"].checks}
    assert reports["network"].max_score == reports["network"].pending
    assert "marked down in resblock" in reports["network"].checks[0].message


def test_a_network_that_stops_elsewhere_pays() -> None:
    """Another line, another mistake."""
    reports = judge_all(
        changed(
            NETWORK,
            ("out_channels, 1, stride=stride, bias", "out_channels, 1, bias"),
            ("        ResBlock(16, 16),\n", "        ResBlock(16, 32),\n"),
        )
    )
    assert Status.STUDENT_CRASHED in {check.status for check in reports["network"].checks}


PAID = {
    "dropout-added": (("self.bn2(self.conv2(out))", "F.dropout(self.bn2(self.conv2(out)), 0.2, self.training)"),),
    "random-behaviour": (("self.bn2(self.conv2(out))", "self.bn2(self.conv2(out)) + 0.1 * torch.randn(())"),),
    "layer-created-in-forward": (
        ("        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride=1, padding=1, bias=False)\n", ""),
        ("self.conv2(out)", "nn.Conv2d(out.shape[1], out.shape[1], 3, padding=1, bias=False, dtype=out.dtype)(out)"),
    ),
    "layers-unregistered": (
        ("        self.conv2 = nn.Conv2d(out", "        self.hidden = [nn.Conv2d(out"),
        ("3, stride=1, padding=1, bias=False)", "3, stride=1, padding=1, bias=False)]"),
        ("self.conv2(out)", "self.hidden[0](out)"),
    ),
    "inplace-breaks-backward": (
        (
            "        out = self.bn2(self.conv2(out))\n",
            "        out = torch.sigmoid(out)\n        result = self.bn2(self.conv2(out))\n"
            "        out.mul_(2)\n        out = result\n",
        ),
    ),
}


def test_blocks_are_compared_without_their_dropout() -> None:
    """It costs the check that it shows in; what else a network's blocks do is known all the same."""
    dropout = PAID["dropout-added"]
    report = judge(changed(NETWORK, *dropout), "network")
    failed = {check.id for check in report.checks if check.status is not Status.PASSED}
    assert {"gradient"} == failed
    missing = judge(changed(NETWORK, *dropout, ("out + identity", "out")), "network")
    assert Status.FAILED is next(check.status for check in missing.checks if check.id == "skip-connection")
    assert judge_all(changed(NETWORK, *dropout))["network"].correct


@pytest.mark.parametrize("mistake", PAID)
def test_what_was_noticed_in_the_block_costs_once(mistake: str) -> None:
    """A network of such blocks shows the same, and is not asked to pay for it again."""
    reports = judge_all(changed(NETWORK, *PAID[mistake]))
    assert mistake in [diagnosis.mistake for diagnosis in reports["resblock"].diagnoses]
    lost = [check for check in reports["network"].checks if check.status in (Status.FAILED, Status.STUDENT_CRASHED)]
    assert [] == [(check.id, check.message) for check in lost]


TWO_ALIKE = changed(
    NETWORK,
    (
        "    return nn.Sequential(",
        "    one, other = ResBlock(32, 32), ResBlock(32, 32)\n    SHARED\n    return nn.Sequential(",
    ),
    ("        ResBlock(32, 32),\n", "        one,\n        other,\n"),
)


@pytest.mark.parametrize("layer", ["conv1", "bn1", "bn2", "conv2.weight"])
def test_blocks_that_share_some_layers_do_not_pass(layer: str) -> None:
    """Each of them does what a right block does; together they are less than two."""
    assert judge(changed(TWO_ALIKE, ("    SHARED\n", "")), "network").correct
    report = judge(changed(TWO_ALIKE, ("SHARED", f"other.{layer} = one.{layer}")), "network")
    assert ["skip-connection"] == [check for check, _ in failed(report)]
    assert "block-instance-repeated" in [diagnosis.mistake for diagnosis in report.diagnoses]


def test_layers_that_all_blocks_share_cost_once() -> None:
    """Two blocks of their own exercise had them in common, and lost points for it there."""
    source = changed(
        NETWORK,
        ("class ResBlock(nn.Module):\n", "LAYERS = {}\n\n\nclass ResBlock(nn.Module):\n"),
        (
            "        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride=1, padding=1, bias=False)\n",
            "        made = nn.Conv2d(out_channels, out_channels, 3, stride=1, padding=1, bias=False)\n"
            "        self.conv2 = LAYERS.setdefault(out_channels, made)\n",
        ),
    )
    reports = judge_all(source)
    assert "parameters" in [check for check, _ in failed(reports["resblock"])]
    assert [] == failed(reports["network"])
    assert not judge(source, "network").correct


MIXING = {
    "x + x.flip(0)": True,
    "x - x.mean(0, keepdim=True)": True,
    "x.softmax(0)": True,
    "x - x.mean((2, 3), keepdim=True)": False,
    "torch.stack([each * 0.5 for each in x])": False,
}


@pytest.mark.parametrize("step", MIXING)
def test_a_network_of_ones_own_gives_each_image_its_own_answer(step: str) -> None:
    source = changed(
        NETWORK,
        (
            "def build_network",
            f"class Step(nn.Module):\n    def forward(self, x):\n        return {step}\n\n\ndef build_network",
        ),
        ("        nn.AdaptiveAvgPool2d(1),\n", "        Step(),\n        nn.AdaptiveAvgPool2d(1),\n"),
    )
    report = judge(source, "network")
    assert (["gradient"] if MIXING[step] else []) == [check for check, _ in failed(report)]


def test_a_norm_without_running_statistics_mixes_images() -> None:
    source = changed(NETWORK, ("nn.BatchNorm2d(16),", "nn.BatchNorm2d(16, track_running_stats=False),"))
    assert ["gradient"] == [check for check, _ in failed(judge(source, "network"))]


TWO_STAGES = changed(
    NETWORK,
    ("        ResBlock(32, 32),\n", ""),
    ("    return nn.Sequential(", "    body = nn.Sequential("),
    (
        "        nn.AdaptiveAvgPool2d(1),\n        nn.Flatten(),\n        nn.Linear(64, num_classes),\n    )\n",
        "    )\n\n"
        "    class Net(nn.Module):\n"
        "        def __init__(self):\n"
        "            super().__init__()\n"
        "            self.body, self.fc = body, nn.Linear(96, num_classes)\n\n"
        "        def forward(self, x):\n"
        "            middle = self.body[:5](x)\n"
        "            end = self.body[5](middle)\n"
        "            return self.fc(torch.cat([middle.mean((2, 3)), end.mean((2, 3))], 1))\n\n"
        "    return Net()\n",
    ),
)


def test_a_head_that_reads_two_stages_is_not_accused() -> None:
    """Behind the point where the paths part no block is told; then a human looks, and nothing is lost."""
    report = judge(TWO_STAGES, "network")
    assert {Status.PASSED, Status.SKIPPED} == {check.status for check in report.checks}
    assert ["skip-connection"] == [check for check, _ in failed(report)]
    assert [] == report.diagnoses


@pytest.mark.parametrize(
    "end",
    [
        "return (out + identity) * ((out + identity) > 0).float()",
        "return torch.where(out + identity > 0, out + identity, torch.zeros_like(out))",
    ],
)
def test_a_sum_that_is_written_twice_is_one_block(end: str) -> None:
    assert judge(changed(NETWORK, ("return F.relu(out + identity)", end)), "network").correct


MISSHAPEN = {
    "shortcut-concatenated": (("F.relu(out + identity)", "F.relu(torch.cat([out, identity], 1))"),),
    "argument-ignored": (
        ("out_channels, 3, stride=stride, padding=1", "out_channels, 3, padding=1"),
        ("out_channels, 1, stride=stride, bias", "out_channels, 1, bias"),
    ),
}


@pytest.mark.parametrize("mistake", MISSHAPEN)
def test_a_network_of_blocks_of_another_shape_is_left_to_a_human(mistake: str) -> None:
    """It stops, or its resolution never halves, because of what was marked down in the block's own exercise."""
    source = changed(NETWORK, *MISSHAPEN[mistake])
    reports = judge_all(source)
    assert mistake in [diagnosis.mistake for diagnosis in reports["resblock"].diagnoses]
    lost = [check for check in reports["network"].checks if check.status in (Status.FAILED, Status.STUDENT_CRASHED)]
    assert [] == [(check.id, check.message) for check in lost]
    assert "resblock" in reports["network"].checks[0].message
    assert "no-downsampling" not in [diagnosis.mistake for diagnosis in reports["network"].diagnoses]
    assert not judge(source, "network").correct
    assert judge(source, "network").pending == 0


def test_a_mistake_without_a_name_costs_once() -> None:
    """Where no cause was found in the block's own exercise, one that its small part in a network shows is the same."""
    resized = (
        "        if x.shape != out.shape:\n"
        "            x = F.interpolate(x, size=out.shape[2:])\n"
        "            x = F.pad(x, (0, 0, 0, 0, 0, max(0, out.shape[1] - x.shape[1])))[:, : out.shape[1]]\n"
        "        return F.relu(out + x)"
    )
    projection = NETWORK[NETWORK.index("        if stride != 1 or") : NETWORK.index("    def forward")]
    source = changed(
        NETWORK,
        (projection, "\n"),
        ("        identity = self.shortcut(x)\n", ""),
        ("        return F.relu(out + identity)", resized),
    )
    reports = judge_all(source)
    assert not reports["resblock"].correct
    assert [] == failed(reports["network"])
    assert not judge(source, "network").correct


MADE = {
    "of a class of one's own": (
        "class Mine(nn.Module):\n"
        "    def __init__(self, num_classes=10):\n"
        "        super().__init__()\n"
        "        self.layers = first(num_classes)\n\n"
        "    def forward(self, x):\n"
        "        return self.layers(x)\n\n\n"
        "Net = Mine()\n",
        [],
    ),
    "by PyTorch's own": ("Net = first()\n", ["outputs-ignored"]),
    "of a class that takes other arguments": (
        "class Mine(nn.Module):\n"
        "    def __init__(self, layers):\n"
        "        super().__init__()\n"
        "        self.layers = layers\n\n"
        "    def forward(self, x):\n"
        "        return self.layers(x)\n\n\n"
        "Net = Mine(first())\n",
        ["outputs-ignored"],
    ),
}


@pytest.mark.parametrize("how", MADE)
def test_a_network_that_is_made_already_is_judged(how: str) -> None:
    """It is no constructor, and its forward is not to blame for that: its class makes others, or it is copied."""
    source, mistakes = MADE[how]
    report = judge(changed(NETWORK, ("def build_network(", "def first(")) + "\n\n" + source, "network")
    assert mistakes == [diagnosis.mistake for diagnosis in report.diagnoses]
    assert report.correct == (not mistakes)
    assert [check.id for check in report.checks if check.score == 0] == ["shape"] * len(mistakes)
