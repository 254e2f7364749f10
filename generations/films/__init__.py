"""Films: what joining would do, said before it begins, and the worker that does it."""
