"""Webhooks out: `collect` makes deliveries of what has happened, `deliver` sends them, `health` looks after endpoints.

Nothing calls this room when something happens: sweeps look at the rows that other rooms have written.
"""
