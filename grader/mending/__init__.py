"""Small mends of code that does not run: what one line, written otherwise, would make of it.

Whoever forgets a `return` has made one mistake, and all else can still be judged. So the line is mended as its author
most likely meant it, and the code is run once more. Where it is right then, that line was the cause: a proof by replay
with the student's own code in place of the reference.

    slip_of     Examined -> Slip | None        what kept an answer from running
    mends_for   Slip, cells -> Iterator[Mend]  ways to write it otherwise, the likeliest first

Nothing of a student's is parsed on this side of the wall: mends are made in the text, line by line.
"""

from grader.mending._code import Code
from grader.mending._mend import Mend, Mender, Slip
from grader.mending._slip import slip_of
from grader.mending._ways import menders, mends_for

__all__ = ["Code", "Mend", "Mender", "Slip", "menders", "mends_for", "slip_of"]
