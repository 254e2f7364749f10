"""Chaos test: the real processes, killed and broken at random, judged from the sandbox's own records.

`python -m tests.chaos` (or `make chaos`) runs one. CHAOS_SEED, CHAOS_COUNT, CHAOS_SECONDS and CHAOS_EACH say which and
how long; CHAOS_HURRY=1 does not wait for leases and due times once the storm is over.
"""
