"""Money: budgets and their alerts, usage, and reconciliation with fal. Spent is always a sum over rows."""
