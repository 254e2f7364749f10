"""Everything about videos. Imports accounts and config, never the other way."""
