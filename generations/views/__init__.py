"""The studio's pages. GET reads, POST does one thing and redirects."""
