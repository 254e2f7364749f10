"""Share links for people without an account, and the review of videos. It knows `generations`, never the other way."""
