"""IPython's shell for the magics of a notebook, with what makes no sense behind the wall turned into no-ops."""

from __future__ import annotations

import builtins
import contextlib
from typing import Any

from grader.worker import files
from grader.worker.slicer import FILE_MAGICS

# Magics that start other programs or install packages.
LINE_NO_OPS = (
    "pip",
    "conda",
    "mamba",
    "uv",
    "cd",
    "load_ext",
    "reload_ext",
    "tensorboard",
    "wandb",
    "autoreload",
    "check",
)
CELL_NO_OPS = ("bash", "sh", "script", "html", "javascript", "js", "latex", "svg", "perl", "ruby")


def make_shell() -> Any:
    """The process's one shell. `shell.user_ns` is the namespace that cells run in."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False  # no history thread and no SQLite file
    config.InteractiveShell.colors = "nocolor"
    # `%matplotlib inline` asks for a GUI loop, which a plain shell has not.
    InteractiveShell.enable_gui = lambda self, gui=None: None
    # IPython 9 would keep a second copy of all output.
    InteractiveShell._tee = lambda self, channel: contextlib.nullcontext()
    shell = InteractiveShell.instance(config=config)
    shell.system = lambda command: None
    shell.getoutput = lambda command, split=True, depth=0: [] if split else ""
    for name in LINE_NO_OPS:
        shell.register_magic_function(lambda line: None, magic_kind="line", magic_name=name)
    for name in CELL_NO_OPS:
        shell.register_magic_function(lambda line, cell=None: None, magic_kind="cell", magic_name=name)
    for name in FILE_MAGICS:
        shell.register_magic_function(files.write_cell, magic_kind="cell", magic_name=name)
    builtins.input = lambda prompt="": ""  # nobody is there to answer
    return shell
