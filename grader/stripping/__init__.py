"""Takes solutions out of the notebook that an author writes, so that a student can be given the rest.

markers     where a solution begins and ends, in the words of nbgrader and of otter
code        what stands in its place in a code cell, so that the cell stays valid Python
text        the same for Markdown
notebook    the whole notebook: outputs, metadata and attachments hold solutions too
"""

from grader.stripping.code import strip_code
from grader.stripping.markers import MarkerError
from grader.stripping.notebook import Stripped, read_notebook, strip_notebook, write_notebook
from grader.stripping.text import strip_text

__all__ = [
    "MarkerError",
    "Stripped",
    "read_notebook",
    "strip_code",
    "strip_notebook",
    "strip_text",
    "write_notebook",
]
