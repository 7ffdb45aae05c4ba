"""Record what a module computes, from execution: every aten operation, with the identity of each value.

recording     one call of a module, with all that was recorded of it
  recorder    the operations that run, as nodes
    nodes     the graph that grows
    values    which node made what a tensor holds now
    gradients where autograd sees something else
    places    which line and which layer is running
    lent      memory that code reads or writes behind torch's back
  facts       what else shows: results thrown away, random numbers, data that steers the code
  witness     what autograd knows of the same pass
construction  what a constructor does with the layers it makes
several       several inputs and outputs as one of each

All of it runs on both sides: behind the wall for a student's module, and on the trusted side for the reference. It
imports nothing of the grader.
"""

from grader.capture.nodes import WEIGHTED
from grader.capture.recorder import initial_value
from grader.capture.recording import Recording, record

__all__ = ["WEIGHTED", "Recording", "initial_value", "record"]
