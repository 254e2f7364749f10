"""Trial by fire: the real processes, killed and broken at random, judged from the sandbox's own books.

`python -m tests.fire` (or `make fire`) runs one. FIRE_SEED, FIRE_COUNT, FIRE_SECONDS and FIRE_EACH say which and how
long; FIRE_HURRY=1 does not wait for leases and due times once the storm is over.
"""
