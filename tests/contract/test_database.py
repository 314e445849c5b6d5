"""Errors of the database as errors of the pipeline."""

import pytest

from common.database import Database
from common.errors import DependencyAwayError, PermanentError, TransientError

_BUCKET = "insert into image_bucket (bucket, allocated, capacity) values (%(bucket)s, %(allocated)s, 400)"


def test_a_row_that_another_session_wrote_first_is_tried_again(database: Database) -> None:
    """The file is not at fault, so the failure is temporary."""
    database.run(_BUCKET, bucket="images-1", allocated=0)
    with pytest.raises(TransientError, match="image_bucket_pkey") as caught:
        database.run(_BUCKET, bucket="images-1", allocated=0)
    assert not isinstance(caught.value, DependencyAwayError)
    assert "images-1" not in str(caught.value)


def test_a_value_that_can_never_be_stored_is_permanent(database: Database) -> None:
    """The error names the constraint, not the value."""
    with pytest.raises(PermanentError, match="image_bucket_check") as caught:
        database.run(_BUCKET, bucket="images-1", allocated=401)
    assert "401" not in str(caught.value)
