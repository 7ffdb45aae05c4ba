"""What failures teach that several checks share."""

from __future__ import annotations

from grader.verdict import Lesson

ENDED = Lesson(
    why=(
        "The run was ended from outside, so what came after could not be measured. What cannot be measured can earn no "
        "points."
    ),
    hints=(
        "Each hand-in has a limit of time and memory. Real blocks need a small part of it.",
        "Restart the kernel and run all cells. Which of them takes long, or fills the memory?",
        "Take training, downloads and endless loops out of the notebook that you hand in, or put them behind a test.",
    ),
)

BY_BLOCK = Lesson(
    why=(
        "A network is as good as its blocks: one mistake in the class is made again in each block. Mend the class, and "
        "all of them are right."
    ),
    hints=(
        "Blocks are judged one by one, each against the block of its exercise, with equal weights.",
        "Start at the block that is named first. Which class is it made from?",
        "Mend that class in its own exercise, and use it in the network as it is.",
    ),
)

NOT_RUNNING = Lesson(
    why=(
        "What does not run cannot be measured, so this check has nothing to say about your block yet. It is judged as "
        "soon as the call that stops gets through."
    ),
    hints=(
        "The checks build on each other: first something must run, then its numbers can be compared.",
        "See what the check of the shape says: it names the call and the line.",
        "Mend that first, and then look at this check again.",
    ),
)
