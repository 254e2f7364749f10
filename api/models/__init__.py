"""Keys, and webhooks out."""
