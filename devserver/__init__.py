"""What `make run` starts on one machine: PostgreSQL, Valkey and S3 from wheels, and the launcher.

Nothing here imports Django: the settings ask this package for their defaults.
"""
