"""The pages of this app: views only."""
