"""Backup and restore: one directory with the database of one moment and what lay in the bucket then.

A restored database is of the past, and fal is not: what was under way is searched for there before anything is sent
(`after_restore`). docs/backup.md says what a person does.
"""

from generations.backup.after_restore import mark_restored
from generations.backup.create import create_backup
from generations.backup.exceptions import BackupError
from generations.backup.restore import RestoreOptions, restore_backup

__all__ = ["BackupError", "RestoreOptions", "create_backup", "mark_restored", "restore_backup"]
