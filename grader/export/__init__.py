"""From here to a learning platform: what `grader export` writes.

bundle         an assignment  ->  the autograder zip that Gradescope runs, `autograder` within it
fill           results.json and a platform's own gradebook  ->  that gradebook with the scores in it
"""
