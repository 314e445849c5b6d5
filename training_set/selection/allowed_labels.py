"""Which labels a training set may have: those of a vocabulary, unless a person allows any."""

from collections.abc import Collection
from dataclasses import dataclass

from common.errors import PermanentError

_VOCABULARY, _OPTION = "DCM2SET_LABEL_VOCABULARY", "--any-label"


@dataclass(frozen=True)
class AllowedLabels:
    """The labels that may leave in an export.

    The import cannot know every name of a patient, so a person must have read the labels' names.
    """

    names: frozenset[str] | None  # None: any label

    def check(self, labels: Collection[str]) -> None:
        """Raise PermanentError, which names both ways out, if a label may not be exported."""
        if self.names is None or self.names.issuperset(labels):
            return
        if not self.names:
            raise PermanentError(
                f"An export of labels needs a vocabulary: name its file in {_VOCABULARY}, "
                f"or read the names of the labels (dcm2set labels) and add {_OPTION}."
            )
        others = len({*labels} - self.names)
        raise PermanentError(
            f"{others} of the labels are not in the vocabulary ({_VOCABULARY}): choose labels with --label, "
            f"or read the names of the labels (dcm2set labels) and add {_OPTION}."
        )


ANY_LABEL = AllowedLabels(None)
