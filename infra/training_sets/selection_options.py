"""The options of a new version of a training set."""

import re

import click

from common.labels.label_name import label_name
from infra.command_options import Command

_VERSION = re.compile("v?([1-9][0-9]{0,8})")


def version_number(text: str) -> int:
    """The number of a version, also written as in the names of folders."""
    found = _VERSION.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is not a version such as 2 or v2.")
    return int(found[1])


def selection_options(command: Command) -> Command:
    """Options of a new version; those that are not given are as in the last version of the set."""
    where = click.option(
        "--where", help="SQL condition on columns and label('…'); see docs/training-sets.md."
    )
    return where(_label_options(_split_options(command)))


def _label_options(command: Command) -> Command:
    from training_set.selection.options import RULES, UNCERTAIN

    options = (
        click.option(
            "--label",
            "labels",
            multiple=True,
            callback=lambda _, __, names: tuple(map(label_name, names)),
            help="A label column. Default: all labels.",
        ),
        click.option("--all-labels", is_flag=True, help="All labels again, after --label."),
        click.option(
            "--label-set",
            "label_sets",
            multiple=True,
            help="Labels with a file of their own: findings=Effusion,Edema for labels_findings.csv.",
        ),
        click.option("--no-label-sets", is_flag=True, help="No files of label sets any more."),
        click.option(
            "--rule", type=click.Choice(RULES), help="How the labels of several annotators become one."
        ),
        click.option(
            "--uncertain", type=click.Choice(UNCERTAIN), help="What an uncertain label (-1) becomes."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _split_options(command: Command) -> Command:
    from training_set.selection.options import MAX_FOLDS, SPLIT_BY

    options = (
        click.option("--split", "shares", help="Default: train=0.8,validation=0.1,test=0.1"),
        click.option(
            "--split-by",
            type=click.Choice(list(SPLIT_BY)),
            help="What is in one split only. Default: patient.",
        ),
        click.option(
            "--fix-test",
            "fixed_test",
            type=version_number,
            metavar="VERSION",
            help="All later versions have the test split of this version.",
        ),
        click.option(
            "--folds",
            type=click.IntRange(0, MAX_FOLDS),
            help="Folds of cross-validation outside the test split; 0 for none.",
        ),
        click.option("--seed", type=int, help="Decides between patients that are alike. Default: 0."),
    )
    for option in reversed(options):
        command = option(command)
    return command
