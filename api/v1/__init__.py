"""The studio's own API at /api/v1/: what fal has no word for. A key acts in its own team, and no session is read."""
