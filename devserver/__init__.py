"""The servers that the studio brings along: PostgreSQL, Valkey and S3 from wheels, where none are given.

Nothing here imports Django: the settings ask this package for their defaults.
"""
