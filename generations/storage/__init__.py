"""The bucket's content as a whole: cleanup, audit and repair."""
