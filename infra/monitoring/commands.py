"""The command for the monitoring of MinIO."""

import click

from infra.command_options import home_option, operator_endpoints
from infra.local.home import Home


@click.command("store-token")
@home_option
@click.option(
    "--days", type=click.IntRange(min=1), default=3650, show_default=True, help="How long it is valid."
)
def store_token(home: Home, days: int) -> None:
    """Print the token with which Prometheus reads the metrics of MinIO.

    It opens nothing else. It ends when the operator's key of MinIO changes.
    """
    from datetime import UTC, datetime, timedelta

    from infra.monitoring import store_token as made

    minio = operator_endpoints(home)["minio"]
    click.echo(
        made.store_token(
            minio["access_key"], minio["secret_key"], now=datetime.now(UTC), lifetime=timedelta(days=days)
        )
    )
