"""Parameters that training does not reach."""

from __future__ import annotations

from grader.judge.examined import Examined
from grader.judge.leaves import unregistered
from grader.mistakes._evidence import facts, is_unsteady, places, weights_are_computed
from grader.mistakes._mistake import RESBLOCK, Notice, Noticed, changed
from grader.verdict import Proof


class LayersUnregistered(Noticed):
    id = "layers-unregistered"
    message = (
        "Layers are kept in a Python list or dict, or a weight is a plain tensor, where nn.Module does not find them: "
        "they are no parameters, are never trained, and do not follow train(), eval() or to()."
    )
    why = (
        "An optimizer gets its weights from `parameters()`, and layers in a plain list are not among them. They keep "
        "their random start, and do not follow you to the GPU."
    )
    hints = (
        "`nn.Module` notices layers that are assigned to `self`. It does not look into Python's own lists and dicts.",
        "Look in the constructor for square or curly brackets that hold layers, for layers made outside of it, and for "
        "tensors that are no `nn.Parameter`.",
        "Use the container that PyTorch knows: `self.layers = nn.ModuleList([...])`; a weight of your own is an "
        "`nn.Parameter(...)`.",
    )
    broken = (
        changed(
            RESBLOCK,
            ("        self.conv1 = ", "        self.layers = []\n        conv1 = "),
            ("        self.bn1 = ", "        self.layers.append(conv1)\n        self.bn1 = "),
            ("self.conv1(x)", "self.layers[0](x)"),
        ),
    )

    def notice(self, examined: Examined) -> Notice | None:
        for seen in examined.observations:
            for node in unregistered(seen.built.graph):
                # That they are missing among the parameters was counted.
                return Notice(Proof.MEASURED, node.cell, node.line)
        return None


class ParametersFrozen(Noticed):
    id = "parameters-frozen"
    message = "Parameters have requires_grad=False: they are never trained."
    why = (
        "Where `requires_grad` is false no gradient is computed, and the weights stay as they are. A block that is "
        "made to learn has nothing frozen in it."
    )
    hints = (
        "Freezing is for weights that have been trained before. Yours are new and random.",
        "Search for `requires_grad`, `requires_grad_(False)` and `no_grad` around the place where the layers are made.",
        "Remove it: layers and `nn.Parameter` are trained unless you forbid it.",
    )
    broken = (
        changed(
            RESBLOCK, ("        self.bn2 = ", "        self.conv2.weight.requires_grad = False\n        self.bn2 = ")
        ),
        changed(RESBLOCK, ("    def forward", "        self.bn2.weight.requires_grad = False\n\n    def forward")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        for seen in examined.ran:
            if any(not parameter.learnable for parameter in seen.built.parameters):
                return Notice(Proof.MEASURED)
        return None


class LayerCreatedInForward(Noticed):
    id = "layer-created-in-forward"
    message = (
        "forward itself makes a layer or parameter: an optimizer that was made before does not know it, and where "
        "each call makes a new one, nothing is learned."
    )
    why = (
        "An optimizer gets the parameters that the module has when it is made; what comes later is not trained. A "
        "layer that is made anew in every call even loses whatever it has learned."
    )
    hints = (
        "The constructor makes the layers, once. `forward` only uses them.",
        "Look in `forward` for `nn.` and a capital letter, and for `nn.Parameter`.",
        "Move that line to the constructor, as `self.conv2 = nn.Conv2d(...)`, and call `self.conv2(out)`.",
    )
    broken = (
        changed(RESBLOCK, ("self.bn2(self.conv2(out))", "nn.BatchNorm2d(out.shape[1])(self.conv2(out))")),
        changed(RESBLOCK, ("self.conv2(out)", "nn.Conv2d(*out.shape[1:2] * 2, 3, padding=1, bias=False)(out)")),
        changed(
            RESBLOCK,
            (
                "        out = F.relu(self.bn1",
                "        self.conv2 = nn.Conv2d(*self.conv2.weight.shape[:2], 3, padding=1, bias=False)\n"
                "        out = F.relu(self.bn1",
            ),
        ),
        changed(RESBLOCK, ("out + identity", "out + nn.Parameter(torch.randn(())) * identity")),
    )

    def notice(self, examined: Examined) -> Notice | None:
        created = [place for found in facts(examined) for place in found.created]
        if not created:
            return None
        # That a pass was not repeatable was measured; that weights were made anew is the student's word.
        proof = Proof.MEASURED if is_unsteady(examined) else Proof.REPORTED
        return Notice(proof, created[0].cell, created[0].line, f"{self.said} ({places(created)})")


class WeightsReparametrised(Noticed):
    id = "weights-reparametrised"
    message = (
        "The weights of a layer are computed from others (weight_norm, spectral_norm, a parametrization); the "
        "task asks for plain layers."
    )
    why = (
        "The layer's weight is then computed from other tensors, so the block has other parameters than the task's. "
        "Batch norm sets the size of the values already, and needs no help."
    )
    hints = (
        "Weight norm and spectral norm put a formula between what is learned and what is used. Plain layers use what "
        "they learn.",
        "Search for `weight_norm`, `spectral_norm` and `parametriz` in your class.",
        "Use the layer as it is: `self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)`.",
    )
    broken = tuple(
        changed(RESBLOCK, ("        self.bn2 = nn", f"        {line}\n        self.bn2 = nn"))
        for line in (
            "nn.utils.parametrizations.weight_norm(self.conv2)",
            "nn.utils.parametrizations.spectral_norm(self.conv2)",
            "nn.utils.spectral_norm(self.conv2)",
        )
    )

    def notice(self, examined: Examined) -> Notice | None:
        return Notice(Proof.REPORTED) if weights_are_computed(examined) else None
