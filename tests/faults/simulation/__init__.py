"""The engine under a virtual clock: real verbs on a ledger in memory, and everything around them goes wrong.

A seed decides everything: who is there, what is asked, when each thread goes on, and what fails. The same seed is the
same run, step by step. `make simulate SEEDS=5000` runs many, `make simulate SEED=n` runs one and prints its trace.
"""
