"""Describe an exported folder in Croissant 1.1, the metadata format of MLCommons for data sets.

Source: http://mlcommons.org/croissant/1.1. Equal training sets give equal bytes.
"""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson
import pyarrow as pa

from training_set.formats.croissant_context import CONTEXT
from training_set.selection.image_columns import LABEL, column_description

CROISSANT = "croissant.json"
_TABLE = "images.parquet"
_NO_LICENCE = (
    "No licence was stated. Nothing may be done with this data set beyond what its owner allowed in writing."
)
_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".md": "text/markdown",
    ".parquet": "application/x-parquet",
    ".png": "image/png",
    ".tar": "application/x-tar",
}
_SPLIT_TYPES = {"train": "cr:TrainingSplit", "validation": "cr:ValidationSplit", "test": "cr:TestSplit"}
_FILES = {
    _TABLE: "Every column of every image.",
    "labels.csv": "Multi-hot labels: 1, 0, -1 uncertain, a probability, or empty.",
    "README.md": "The card of the training set.",
}
_PICTURES = "picture-files"  # id of the set of PNG files


def croissant_body(head: Mapping[str, Any], schema: pa.Schema, files: Mapping[str, bytes]) -> bytes:
    """Return croissant.json for a folder of PNG files.

    `head` is the first part of the manifest, `schema` that of images.parquet, and `files` are the contents
    of the other files except the manifest, by name.
    """
    digests = {name: (hashlib.sha256(body).hexdigest(), len(body)) for name, body in files.items()}
    splits = [split for split, part in head["counts"]["splits"].items() if part["images"]]
    pictures = {
        "@type": "cr:FileSet",
        "@id": _PICTURES,
        "name": "picture files",
        "description": "The pictures, one file for each image; file_name is the path.",
        "encodingFormat": "image/png",
        "includes": [f"{split}/*.png" for split in splits],
    }
    contents = _contents({"fileProperty": "fullpath"}, {"fileProperty": "content"}, {})
    records = [_splits(splits), _images(schema), contents]
    return _body(head, [*_file_objects(digests), pictures], records)


def croissant_of_shards(
    head: Mapping[str, Any], schema: pa.Schema, files: Mapping[str, tuple[str, int]], form: str
) -> bytes:
    """Return croissant.json for a folder of shards of a form, parquet or webdataset.

    `files` are SHA-256 and size in bytes of each file by name, also of the shards.
    """
    splits = [split for split, part in head["counts"]["splits"].items() if part["images"]]
    objects, records = _file_objects(files), [_splits(splits), _images(schema)]
    if form != "parquet":
        return _body(head, objects, records)
    shards = {
        "@type": "cr:FileSet",
        "@id": _PICTURES,
        "name": "shards",
        "description": "The shards with the pictures.",
        "encodingFormat": _MEDIA_TYPES[".parquet"],
        "includes": ["data/*.parquet"],
    }
    contents = _contents({"column": "file_name"}, {"column": "image"}, {"transform": {"jsonPath": "bytes"}})
    return _body(head, [*objects, shards], [*records, contents])


def _body(head: Mapping[str, Any], files: list[dict[str, Any]], records: list[dict[str, Any]]) -> bytes:
    document = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        **_about(head),
        "distribution": files,
        "recordSet": records,
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"


def _about(head: Mapping[str, Any]) -> dict[str, Any]:
    """Return what describes the whole set. A set's own words, if any, are in `head["about"]`."""
    words, counts, settings = head.get("about", {}), head["counts"], head["settings"]
    generated = (
        f"{counts['images']:,} de-identified radiological pictures of {counts['patients']:,} patients, "
        f"selected by: {settings['query']}. All images of a patient are in one split. "
        "Identifiers are pseudonyms, and dates are shifted by a number of days that differs between patients."
    )
    return {
        "name": head["name"],
        "description": words.get("description") or generated,
        "version": f"{head['version']}.0.0",
        "license": words.get("licence") or _NO_LICENCE,
        "citeAs": words.get("citation") or _citation(head),
        "datePublished": head["created_at"],
        **({"url": words["url"]} if words.get("url") else {}),
        **(
            {"creator": {"@type": "sc:Organization", "name": words["creator"]}}
            if words.get("creator")
            else {}
        ),
        "keywords": ["medical imaging", "radiology", "DICOM", "de-identified"],
    }


def _citation(head: Mapping[str, Any]) -> str:
    """Return a BibTeX entry with name, version and digest."""
    year = head["created_at"][:4]
    return (
        f"@misc{{{head['name']}-v{head['version']}, title = {{{head['name']}, version {head['version']}}}, "
        f"year = {{{year}}}, note = {{Training set frozen by dcm2set, SHA-256 {head['digest']}}}}}"
    )


def _file_objects(files: Mapping[str, tuple[str, int]]) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            **({"description": _FILES[name]} if name in _FILES else {}),
            "contentUrl": name,
            "contentSize": f"{size} B",
            "encodingFormat": _MEDIA_TYPES.get(name[name.rfind(".") :], "application/octet-stream"),
            "sha256": digest,
        }
        for name, (digest, size) in sorted(files.items())
    ]


def _splits(splits: list[str]) -> dict[str, Any]:
    """Return the record set that says which split is which, as the specification has it."""
    return {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "description": "The splits and what they are for.",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            _field("splits/name", "name", "Name of the split.", "sc:Text"),
            _field("splits/url", "url", "What the split is for.", ["sc:URL", "cr:Split"]),
        ],
        "data": [{"splits/name": name, "splits/url": _SPLIT_TYPES[name]} for name in splits],
    }


def _images(schema: pa.Schema) -> dict[str, Any]:
    """Return the record set of all columns of images.parquet."""
    fields = []
    for column in schema:
        source = {"fileObject": {"@id": _TABLE}, "extract": {"column": column.name}}
        kinds = [_data_type(column.type), *(["cr:Label"] if column.name.startswith(LABEL) else [])]
        text = column_description(column.name)
        field = _field(field_id(column.name), column.name, text, kinds) | {"source": source}
        fields.append(
            field | ({"references": {"field": {"@id": "splits/name"}}} if column.name == "split" else {})
        )
    return {
        "@type": "cr:RecordSet",
        "@id": "images",
        "name": "images",
        "description": "One record for each image with all columns, without the picture itself.",
        "key": {"@id": "images/file_name"},
        "field": fields,
    }


def _contents(name: dict[str, str], content: dict[str, str], transform: dict[str, Any]) -> dict[str, Any]:
    """Return the record set of the pictures; it is one of its own because a reader loads all of it.

    `name` and `content` say where path and picture are in a file, and `transform` what is done with the
    latter.
    """
    files = {"fileSet": {"@id": _PICTURES}}
    return {
        "@type": "cr:RecordSet",
        "@id": "pictures",
        "name": "pictures",
        "description": "One record for each image with the picture; file_name as in the record set images.",
        "key": {"@id": "pictures/file_name"},
        "field": [
            _field("pictures/file_name", "file_name", column_description("file_name"), "sc:Text")
            | {"source": {**files, "extract": name}},
            _field("pictures/content", "content", "The picture.", "sc:ImageObject")
            | {"source": {**files, "extract": content, **transform}},
        ],
    }


def field_id(column: str) -> str:
    """Return the id of a column's field: an IRI, so other characters are percent-encoded."""
    return f"images/{quote(column, safe='')}"


def _field(name: str, title: str, text: str, kind: str | list[str]) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": name, "name": title, "description": text, "dataType": kind}


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return "cr:Int64"
    if pa.types.is_floating(kind):
        return "cr:Float64"
    return "sc:Date" if pa.types.is_date(kind) else "sc:Text"
