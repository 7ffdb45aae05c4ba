"""A notebook in a real kernel, cell by cell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

IMPORTS = "import torch\nfrom torch import nn\nimport torch.nn.functional as F"


@dataclass(frozen=True)
class Ran:
    """What came of one cell: the number beside it, what it printed, what it showed, and the errors."""

    number: int
    printed: str
    shown: list[dict[str, Any]] = field(default_factory=list)  # MIME bundles
    errors: list[tuple[str, str]] = field(default_factory=list)  # name and traceback

    @property
    def card(self) -> dict[str, Any]:
        """The only thing that it showed as HTML."""
        (card,) = [bundle for bundle in self.shown if "text/html" in bundle]
        return card

    @property
    def text(self) -> str:
        """The card's text."""
        text: str = self.card["text/plain"]
        return text


class Kernel:
    """A kernel that has run some cells."""

    def __init__(self, client: NotebookClient) -> None:
        self._client = client

    def run(self, source: str) -> Ran:
        """One more cell."""
        cells = self._client.nb.cells
        cells.append(new_code_cell(source))
        cell = self._client.execute_cell(cells[-1], len(cells) - 1)
        printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
        shown = [output.data for output in cell.outputs if "data" in output]
        errors = [(o.ename, "\n".join(o.traceback)) for o in cell.outputs if o.output_type == "error"]
        return Ran(cell.execution_count, printed, shown, errors)

    def value(self, expression: str) -> Any:
        """Of an expression that JSON can hold."""
        return json.loads(self.run(f"import json; print(json.dumps({expression}))").printed)

    def forget(self) -> None:
        """Everything that is defined. Cells go on being counted."""
        self.run("%reset -f")
        self.run("%load_ext grader\n" + IMPORTS)


@contextmanager
def kernel(folder: Path) -> Iterator[Kernel]:
    """A kernel that runs in a folder."""
    notebook = new_notebook()
    client = NotebookClient(
        notebook,
        timeout=180,
        startup_timeout=180,
        allow_errors=True,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    with client.setup_kernel():
        yield Kernel(client)


def code_cells(path: Path) -> list[tuple[int, str]]:
    """The number in the notebook and the source of each code cell that is not empty."""
    notebook = nbformat.read(path, as_version=4)
    return [(n, c.source) for n, c in enumerate(notebook.cells, 1) if c.cell_type == "code" and c.source.strip()]
