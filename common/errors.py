"""The tree of errors: temporary ones, permanent ones, and those about which a person must decide."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Subject:
    """The patient and device of an input, for the ledger, as far as its header could be read."""

    patient_id: str | None = None  # the pseudonym
    device: str | None = None  # manufacturer, model and picture size, in words that may leave raw
    former_patients: tuple[str, ...] = ()  # the pseudonyms of earlier keys; never stored


UNKNOWN = Subject()


@dataclass(frozen=True)
class TextBox:
    """A place in a picture where text was found, in pixels of the frame."""

    frame: int  # from 1
    left: int
    top: int
    width: int
    height: int
    finding: str  # text, identity or unread


@dataclass(frozen=True)
class TextFound:
    """What the search for text in the pictures of a held file found; never the text itself."""

    finding: str  # nothing, unread, text or identity
    boxes: tuple[TextBox, ...] = ()


class PipelineError(Exception):
    """An item could not be worked on.

    The text is shown to people and logged. It is a sentence that names the setting, element or file id at
    fault, and never contains a patient's value, a NAS path or a credential.
    """

    subject = UNKNOWN


class TransientError(PipelineError):
    """A temporary failure, for example of a server: the same work can succeed later."""


class DependencyAwayError(TransientError):
    """The object store, the database or the NAS does not answer."""


class WorkerCrashedError(Exception):
    """The process that worked on an item crashed; the text says how, and quotes nothing from the file."""


class UnreadableError(DependencyAwayError):
    """The object store failed at one object: it is damaged, or the store is away.

    common/store/damage.py tells the two apart.
    """


class BucketMissingError(DependencyAwayError):
    """The bucket does not exist."""


class ObjectDamagedError(TransientError):
    """One object can't be read, though others can: its bytes on the store's disk are damaged."""


class ObjectMissingError(TransientError):
    """The object is not in the store (yet, or no longer)."""


class SettingsError(TransientError):
    """A setting is missing or wrong; work waits until an operator has fixed it."""


class PermanentError(PipelineError):
    """The input can't succeed as it is; it is quarantined with this cause."""

    def __init__(self, cause: str, next_step: str = "") -> None:
        super().__init__(cause)
        self.next_step = next_step


class ConflictError(PermanentError):
    """The input contradicts what is already stored under the same identifier."""


class ErasedError(PipelineError):
    """The patient's data was erased on request; nothing of the input is stored."""

    def __init__(self) -> None:
        super().__init__("The patient's data was erased on request.")


class HoldError(PipelineError):
    """A person must decide; the input is held until it is released."""

    def __init__(self, cause: str, next_step: str = "", text_found: TextFound | None = None) -> None:
        super().__init__(cause)
        self.next_step = next_step
        self.text_found = text_found  # None: no pictures were searched


class NoPictureError(Exception):
    """A valid DICOM object that holds no picture, such as a report or a presentation state."""

    subject = UNKNOWN


class BadRequestError(PipelineError):
    """The body of the request is not an event."""
