"""Errors of backups and restores, each a sentence for the operator."""


class BackupError(Exception):
    """Reports why a backup cannot be made or restored, and a remedy."""


class FolderBusyError(BackupError):
    """Reports that another process writes into the folder of the backup."""
