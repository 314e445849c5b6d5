"""The commands that show the labels and give annotators images to label."""

import click

from common.errors import PermanentError
from common.labels.label_name import label_name
from infra.command_options import (
    connected,
    database_url,
    home_option,
    json_option,
    operator_store,
    print_result,
)
from infra.local.home import Home, read_endpoints
from infra.training_sets.packages import check_packages


@click.command()
@home_option
@click.option(
    "--rule", type=click.Choice(["last", "majority", "any", "all"]), help="Default: DCM2SET_LABEL_RULE."
)
@click.option(
    "--uncertain",
    type=click.Choice(["keep", "0", "1", "missing"]),
    help="Default: DCM2SET_LABEL_UNCERTAIN.",
)
@json_option
def labels(home: Home, rule: str | None, uncertain: str | None, as_json: bool) -> None:
    """Show, for each label, its images, annotators, held rows, and how far the annotators agree.

    Agreement is Cohen's kappa where the same two annotators read all images, and Krippendorff's alpha over
    every reading otherwise; it is also shown for each group that read the same images. Images on which they
    differ are listed. A warning says where several annotators meet the rule last.
    """
    from common.settings import load_settings
    from infra.labelling.overview_text import overview_text
    from infra.provision.snapshot import read_snapshot
    from oversight.labels.label_overview import read_overview

    settings = load_settings()
    with read_snapshot(database_url(home)) as connection:
        overview = read_overview(
            connection,
            rule=rule or settings.label_rule,
            uncertain=uncertain or settings.label_uncertain,
        )
    print_result(overview, overview_text, as_json=as_json)


@click.command()
@home_option
@click.argument("name")
@click.option("--where", default="", help="Which images, as for export. Default: all good ones.")
@click.option(
    "--label",
    "labels",
    multiple=True,
    callback=lambda _, __, names: tuple(map(label_name, names)),
    help="A choice for the annotators; may be repeated.",
)
@click.option("--remove", is_flag=True, help="Delete the tasks and image copies of NAME; labels stay.")
@json_option
def tasks(home: Home, name: str, where: str, labels: tuple[str, ...], remove: bool, as_json: bool) -> None:
    """Write tasks for Label Studio into the bucket labelling, and print what to enter in Label Studio.

    A second run adds the images that have no task of that name yet.
    """
    check_packages()
    from common.store.label_batch import Batch
    from infra.labelling.images_to_label import images_to_label
    from infra.labelling.label_studio import instructions, instructions_text
    from infra.labelling.minio_user import create_labelling_user, labelling_keys_file
    from infra.labelling.tasks import remove_tasks, write_tasks
    from training_set.versions.set_name import checked_name

    _check_choices(labels)
    batch, endpoints = Batch(checked_name(name)), read_endpoints(home)
    if remove:
        click.echo(f"{remove_tasks(operator_store(endpoints), batch)} object(s) deleted.")
        return
    with connected(home) as (connection, store):
        images = list(images_to_label(connection, where))
    create_labelling_user(home, endpoints)
    written = write_tasks(store, batch, images, say_done=_say_done)
    keys = labelling_keys_file(home)
    result = instructions(batch, written, endpoints["minio"], keys=keys, labels=labels)
    print_result(result, instructions_text, as_json=as_json)


def _check_choices(labels: tuple[str, ...]) -> None:
    """Raise PermanentError for a choice that the import of labels would refuse."""
    from common.labels.vocabulary_file import SETTING, read_vocabulary_file
    from common.settings import load_settings

    known = read_vocabulary_file(load_settings().label_vocabulary).labels
    for label in labels if known else ():
        if label not in known:
            raise PermanentError(f"The choice {label!r} is not in {SETTING}; its labels would be refused.")


def _say_done(done: int) -> None:
    click.echo(f"{done} images done", err=True)
