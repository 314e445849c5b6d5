"""The command that demonstrates the complete pipeline on real files."""

import sys
from pathlib import Path

import click


@click.command()
@click.option("--home", "folder", type=click.Path(path_type=Path), help="A new folder. Created if not given.")
@click.option("--stay", is_flag=True, help="Keep the home running afterwards, and print the page's link.")
@click.option(
    "--store",
    type=click.Choice(["minio", "versitygw"]),
    help="The object store of the home; VersityGW sends no notifications.",
)
def demo(folder: Path | None, *, stay: bool, store: str | None) -> None:
    """Run the complete pipeline on real DICOM files in a new home, and print the balance."""
    from infra.demo.demo import run_demo

    sys.exit(run_demo(folder, click.echo, stay=stay, store=store))
