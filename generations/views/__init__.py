"""The studio's views. GET reads, POST does one thing and redirects."""
