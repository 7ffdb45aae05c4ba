"""Checks inside the student's own notebook: the judge of `grader check`, asked about live objects.

grader.check(ResBlock)     %%check resblock
          └────────┬────────┘
kernel      what is defined, what was run as In [1], In [2], …
choose      which exercise of which assignment
language    in which it is told what is wrong before that is known
live        the worker's operations on the objects that are there, `untouched` by it, `borrowed` things given back
checking    the same judge
card        what it found, below the cell
"""
