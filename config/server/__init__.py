"""The gateway between the sockets and Django: a slow client costs a coroutine, never a thread."""
