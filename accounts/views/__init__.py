"""The pages of people and teams, besides allauth's."""
