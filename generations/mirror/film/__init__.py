"""Joins videos that lie in the bucket into one MP4, also there. Knows no models, no RQ, no Django."""
