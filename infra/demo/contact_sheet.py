"""A contact sheet: checked images side by side, good ones first."""

import io
from pathlib import Path

import psycopg
from PIL import Image, ImageDraw

from common.store.object_key import Location
from common.store.object_store import ObjectStore

_TILE = 160  # pixels
_CAPTION = 16
_COLUMNS = 8
_MOST = 64
_COLOURS = {"good": "lightgreen", "review": "yellow"}
_SQL = """
select a.bucket, key, coalesce(modality, '?'), verdict, score
from image_overview join image_allocation a using (sop_instance_uid, frame, key)
where verdict is not null order by verdict <> 'good', verdict <> 'review', modality, key limit %s
"""


def draw_contact_sheet(connection: psycopg.Connection, store: ObjectStore, path: Path) -> None:
    """Write a PNG of the first 64 checked images, good ones first, each with its verdict."""
    rows = connection.execute(_SQL, [_MOST]).fetchall()
    height = max(1, -(-len(rows) // _COLUMNS)) * (_TILE + _CAPTION)
    sheet = Image.new("RGB", (_COLUMNS * _TILE, height), "black")
    draw = ImageDraw.Draw(sheet)
    for number, (bucket, key, modality, verdict, score) in enumerate(rows):
        x, y = number % _COLUMNS * _TILE, number // _COLUMNS * (_TILE + _CAPTION)
        version = store.stat(Location(bucket, key))
        with Image.open(io.BytesIO(store.read(version))) as image:
            tile = image.convert("RGB")
        tile.thumbnail((_TILE - 4, _TILE - 4))
        sheet.paste(tile, (x + 2, y + 2))
        colour = _COLOURS.get(verdict, "orange")
        draw.text((x + 4, y + _TILE), f"{modality} {verdict} {score:.2f}", fill=colour)
    sheet.save(path)
