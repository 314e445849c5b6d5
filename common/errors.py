"""The one tree of errors: what may pass by itself, what never will, what a person must decide."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Subject:
    """Whose an input is, for the operator's ledger, as far as its header could be read."""

    patient_id: str | None = None  # the pseudonym
    device: str | None = None  # maker, model and size of the picture, in the words that may leave


UNKNOWN = Subject()


class PipelineError(Exception):
    """Something kept an item from being worked on.

    Its text is shown to people and written to logs: a sentence that names the setting, the
    element or the file id, and never a value of a patient, a NAS path or a credential.
    """

    subject = UNKNOWN


class TransientError(PipelineError):
    """A dependency is away or busy; the same work can succeed later."""


class DependencyAwayError(TransientError):
    """The object store, the database or the NAS does not answer."""


class ObjectMissingError(TransientError):
    """The object is not in the store (yet, or any more)."""


class SettingsError(TransientError):
    """A setting is missing or wrong; work waits until an operator has mended it."""


class PermanentError(PipelineError):
    """An input that can never succeed as it is; it is quarantined with this cause."""

    def __init__(self, cause: str, next_step: str = "") -> None:
        super().__init__(cause)
        self.next_step = next_step


class ConflictError(PermanentError):
    """The input contradicts what is already stored under the same identifier."""


class ErasedError(PipelineError):
    """The input is of a patient whose data was erased on request; nothing of it is kept."""

    def __init__(self) -> None:
        super().__init__("The patient's data was erased on request.")


class HoldError(PipelineError):
    """A person has to decide; the input is kept aside until it is released."""

    def __init__(self, cause: str, next_step: str = "") -> None:
        super().__init__(cause)
        self.next_step = next_step


class BadRequestError(PipelineError):
    """The request's body is no event this project knows."""
