"""The command about labels: how many there are, and how far annotators agree."""

from pathlib import Path

import click
import orjson

from common.settings import load_settings
from infra.command_options import home_option
from infra.local.home import Home, read_endpoints


@click.command()
@home_option
@click.option(
    "--rule", type=click.Choice(["last", "majority", "any", "all"]), help="Else DCM2SET_LABEL_RULE."
)
@click.option(
    "--uncertain", type=click.Choice(["keep", "0", "1", "missing"]), help="Else DCM2SET_LABEL_UNCERTAIN."
)
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def labels(folder: Path, rule: str | None, uncertain: str | None, as_json: bool) -> None:
    """Tell of each label how many images have it, by whom, what is held, and how far annotators agree.

    Agreement is Cohen's kappa for two annotators and Fleiss' for more, over the images that all of
    them labelled.
    """
    from infra.labelling.label_overview import overview_text, read_overview

    settings = load_settings()
    told = read_overview(
        read_endpoints(Home(folder.resolve()))["database_url"],
        rule=rule or settings.label_rule,
        uncertain=uncertain or settings.label_uncertain,
    )
    click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2) if as_json else overview_text(told))
