"""What can go wrong when a machine's stack starts: each error says what to do."""


class StackError(Exception):
    """The stack cannot start or go on; the message says what is wrong, where, and what to do."""


class DownloadDamaged(StackError):
    """A downloaded file is not the one whose SHA-256 sum is kept in the repository."""


class PartFailed(StackError):
    """A part (broker, database, service) ended or never became ready; the end of its log is quoted."""


class AlreadyRunning(StackError):
    """Another supervisor holds this run folder."""
