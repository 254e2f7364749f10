"""Pages about keys and webhooks, and what programs ask."""
