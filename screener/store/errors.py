"""What can go wrong in the store, in words that callers can catch."""


class StoreError(Exception):
    """Anything the store refuses or cannot do."""


class NoClinicError(StoreError):
    """A clinic's rows were touched before a clinic was entered, or in a way that cannot be kept to it."""


class OtherClinicError(StoreError):
    """The session is in one clinic and was asked to touch another."""


class NotFoundError(StoreError):
    """No such record in this clinic."""


class ConflictError(StoreError):
    """Somebody else changed the record first; roll back, load it again and decide anew."""


class UnreadableError(StoreError):
    """A sealed value was altered, moved, or sealed under a key that is not here."""


class BackupError(StoreError):
    """A backup could not be made, read or put back; in words for the operator."""
