"""What the API takes and gives: money in whole cents, times in UTC, lengths in seconds."""
