"""The commands that use the vocabulary of labels."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from common.errors import PermanentError
from infra.cli import cli
from infra.training_sets.commands import allowed_labels
from training_set.selection.allowed_labels import ANY_LABEL, AllowedLabels


def test_the_command_reads_the_vocabulary_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The labels of DCM2SET_LABEL_VOCABULARY are allowed; --any-label allows all."""
    monkeypatch.delenv("DCM2SET_LABEL_VOCABULARY", raising=False)
    assert AllowedLabels(frozenset()) == allowed_labels(any_label=False)
    path = tmp_path / "labels.toml"
    path.write_text('labels = ["Effusion"]\n[controls]\nview = ["PA"]\n', encoding="utf-8")
    monkeypatch.setenv("DCM2SET_LABEL_VOCABULARY", str(path))
    assert AllowedLabels(frozenset({"Effusion", "PA"})) == allowed_labels(any_label=False)
    assert ANY_LABEL == allowed_labels(any_label=True)


def test_choices_outside_the_vocabulary_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Annotators are offered no choice whose labels the import would refuse."""
    path = tmp_path / "labels.toml"
    path.write_text('labels = ["Effusion"]\n', encoding="utf-8")
    monkeypatch.setenv("DCM2SET_LABEL_VOCABULARY", str(path))
    done = CliRunner().invoke(cli, ["tasks", "x", "--label", "Effusion", "--label", "Efusion"])
    assert isinstance(done.exception, PermanentError)
    assert "The choice 'Efusion' is not in DCM2SET_LABEL_VOCABULARY" in str(done.exception)
