"""Why a backup or a restore does not go on."""


class BackupError(Exception):
    """str() says what is wrong and what to do; nothing was changed unless it says so."""
