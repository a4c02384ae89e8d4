"""Breaks the heart of the shop on purpose, a line at a time, and asks the tests whether they notice (`make mutants`).

    python -m tests.mutants [--share 0.3] [--seed 1] [--only payments/inbox.py] [--survivors] [--seconds 10]

The last commit is copied to `.local/mutants/tree`, and only there anything runs. The tests that need no browser run
once, under coverage, to learn which test executes which line. Then every mutant is tried in a fork of one process that
has everything imported and its database ready: those tests run that reach the line, until the first fails. A mutant
exists in the fork's memory alone. What came of it goes into `.local/mutants/results.jsonl` at once, so that a run that
was stopped goes on where it was; a mutant is tried again when its function has changed.

operators   what may be changed
heart       where, and what is left out as noise
reach       which test runs which line
trial       one mutant in a fork
books       what came of it, and the figures
"""
