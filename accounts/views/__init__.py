"""Views of users and teams, besides allauth's."""
