"""From a press of the button to committed rows: placing, rate limits, approvals."""
