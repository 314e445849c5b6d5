"""Insert rows of images and labels like those of the pipeline, for tests of training sets."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from common.store.object_key import ImagePath, Location

BUCKET = "images-20260101t000000z"


@dataclass(frozen=True)
class SetImage:
    """One image with its metadata, verdict and labels."""

    patient: int
    number: int = 1  # number of the instance within the patient
    frame: int = 1
    modality: str | None = "DX"
    view_position: str | None = "PA"
    body_part: str | None = "CHEST"
    study_date: date | None = date(2021, 5, 4)
    sex: str | None = "F"
    age_years: float | None = 60.0
    device_model: str | None = "X 1"
    verdict: str = "good"
    is_localizer: bool = False
    sha256: str = ""  # if empty, derived from the key
    picture_hash: bytes | None = None
    labels: dict[str, float] = field(default_factory=dict)
    annotator: str = ""
    bucket: str = BUCKET

    @property
    def patient_id(self) -> str:
        return f"P{self.patient:020x}"

    @property
    def path(self) -> ImagePath:
        number = self.patient * 1000 + self.number
        return ImagePath(self.patient_id, f"2.25.1{self.patient}", f"2.25.2{self.patient}", f"2.25.3{number}")

    @property
    def key(self) -> str:
        return self.path.frame(self.frame)

    @property
    def location(self) -> Location:
        return Location(self.bucket, self.key)

    @property
    def digest(self) -> str:
        return self.sha256 or hashlib.sha256(self.key.encode()).hexdigest()


def add_images(connection: psycopg.Connection[Any], images: Sequence[SetImage]) -> None:
    """Insert all rows of the images and their labels, with few statements per table."""
    item = connection.execute(
        "insert into ledger_item (function, bucket, key, etag, state) "
        "values ('extract', 'raw', gen_random_uuid(), 'e', 'done') returning id"
    ).fetchone()
    assert item is not None
    for bucket in {image.bucket for image in images}:
        connection.execute(
            "insert into image_bucket (bucket, capacity) values (%s, 1000000) on conflict do nothing",
            [bucket],
        )
    connection.execute("insert into attribute_actions values ('d', '{}') on conflict do nothing")
    instances = list({image.path.sop_instance_uid: image for image in images}.values())
    tables = (
        _extraction_tables(images, instances, item[0]),
        _metadata_tables(images, instances),
        _image_tables(images),
    )
    for rows_by_table in tables:
        for table, rows in rows_by_table.items():
            _copy(connection, table, rows)
    add_labels(connection, images)


_Rows = Iterable[tuple[Any, ...]]


def _extraction_tables(
    images: Sequence[SetImage], instances: Sequence[SetImage], item_id: int
) -> dict[str, _Rows]:
    return {
        "extraction (sop_instance_uid, item_id, content_digest, number_of_frames, is_localizer, "
        "recipe_version, pipeline_version, completed_at)": (
            (i.path.sop_instance_uid, item_id, "c", 1, i.is_localizer, 3, "0.1.0", "2026-01-01")
            for i in instances
        ),
        "image_allocation (sop_instance_uid, frame, allocated_bucket, key, bucket)": (
            (i.path.sop_instance_uid, i.frame, i.bucket, i.key, i.bucket) for i in images
        ),
    }


def _metadata_tables(images: Sequence[SetImage], instances: Sequence[SetImage]) -> dict[str, _Rows]:
    patients = {image.patient_id: image for image in images}
    return {
        "patient (patient_id, sex)": [(i.patient_id, i.sex) for i in patients.values()],
        "study (study_instance_uid, patient_id, study_date)": [
            (i.path.study_instance_uid, i.patient_id, i.study_date) for i in patients.values()
        ],
        "series (series_instance_uid, study_instance_uid, modality, body_part, manufacturer, model)": [
            (
                i.path.series_instance_uid,
                i.path.study_instance_uid,
                i.modality,
                i.body_part,
                "M",
                i.device_model,
            )
            for i in patients.values()
        ],
        "instance (sop_instance_uid, series_instance_uid, sop_class_uid, view_position, photometric, "
        "number_of_frames, age_years, attributes, pipeline_version, deidentification, key_id, actions)": (
            _instance(i) for i in instances
        ),
    }


def _image_tables(images: Sequence[SetImage]) -> dict[str, _Rows]:
    return {
        'image (sop_instance_uid, frame, "rows", "columns", samples, bits, sha256, recipe, recipe_version)': (
            (i.path.sop_instance_uid, i.frame, 64, 64, 1, 8, i.digest, "window of the file", 3)
            for i in images
        ),
        "verdict (sop_instance_uid, frame, verdict, by_model, score, threshold, mean_grey, features, "
        "reasons, confidence, model_version, picture_hash)": (_verdict(i) for i in images),
    }


def _instance(image: SetImage) -> tuple[Any, ...]:
    path = image.path
    values = (image.view_position, "MONOCHROME2", 1, image.age_years, Jsonb({"KVP": 120}))
    return (
        path.sop_instance_uid,
        path.series_instance_uid,
        "1.2.840",
        *values,
        "0.1.0",
        "dcm2set 1",
        "k1",
        "d",
    )


def _verdict(image: SetImage) -> tuple[Any, ...]:
    values = (
        image.verdict,
        image.verdict,
        0.1,
        0.5,
        100.0,
        Jsonb({}),
        [],
        "normal",
        "m1",
        image.picture_hash,
    )
    return (image.path.sop_instance_uid, image.frame, *values)


def add_labels(connection: psycopg.Connection[Any], images: Iterable[SetImage]) -> None:
    """Insert the labels of existing images as one import."""
    images = [image for image in images if image.labels]
    if not images:
        return
    row = connection.execute(
        "insert into label_import (key, etag, format) values (gen_random_uuid(), 'e', 'csv') returning id"
    ).fetchone()
    assert row is not None
    for table, names in (
        ("label_name", sorted({name for image in images for name in image.labels})),
        ("annotator", sorted({image.annotator for image in images})),
    ):
        with connection.cursor() as cursor:
            cursor.executemany(
                f"insert into {table} (name) values (%s) on conflict do nothing", [[name] for name in names]
            )
    labels = dict(connection.execute("select name, id from label_name").fetchall())
    annotators = dict(connection.execute("select name, id from annotator").fetchall())
    numbers = dict(connection.execute("select key, image_id from image_allocation").fetchall())
    _copy(
        connection,
        "label (import_id, line, label_id, annotator_id, image_id, value, labelled_at)",
        _label_rows(images, row[0], labels, annotators, numbers),
    )


def _label_rows(
    images: Iterable[SetImage],
    number: int,
    labels: dict[str, int],
    annotators: dict[str, int],
    numbers: dict[str, int],
) -> Iterator[tuple[Any, ...]]:
    line = 1
    for image in images:
        for name, value in image.labels.items():
            line += 1
            annotator = annotators[image.annotator]
            yield number, line, labels[name], annotator, numbers[image.key], value, "2026-01-01 00:00:00+00"


def _copy(connection: psycopg.Connection[Any], table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Copy rows into a table; existing rows are kept."""
    name = table.split(maxsplit=1)[0]
    columns = table[table.index("(") :]
    connection.execute(f"create temp table new_rows as select {columns[1:-1]} from {name} with no data")
    with connection.cursor() as cursor, cursor.copy(f"copy new_rows {columns} from stdin") as copy:
        for row in rows:
            copy.write_row(row)
    connection.execute(f"insert into {table} select * from new_rows on conflict do nothing")
    connection.execute("drop table new_rows")
