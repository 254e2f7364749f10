"""Orders from a sheet: read it, map its columns, check it as a whole, order all of it, give it back with results."""
