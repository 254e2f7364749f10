"""Clients of other makers, as docs/clients.md configures them. `make clients` runs those too heavy for `make test`."""
