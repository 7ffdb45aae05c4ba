"""Record what a module computes, from execution: every aten operation, with the identity of each value.

recorder      the operations that run, as nodes
  values      which node made what a tensor holds now
  places      which line and which layer is running
  lent        memory that code reads or writes behind torch's back
  facts       what else shows: results thrown away, random numbers, data that steers the code
  witness     what autograd knows of the same pass
construction  what a constructor does with the layers it makes

All of it runs on both sides: behind the wall for a student's module, and on the trusted side for the reference. It
imports nothing of the grader.
"""

from grader.capture.recorder import WEIGHTED, Recording, initial_value, record

__all__ = ["WEIGHTED", "Recording", "initial_value", "record"]
