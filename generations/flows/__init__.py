"""What crosses orders, storage and accounts: an account or a team is deleted, a member leaves."""
