"""A sequential JPEG written anew: header, tables in use and entropy-coded data (PS3.5 A.4.1, A.4.2)."""

from deidentification.pixels.streams.jpeg_header import END, JpegHeader, read_header
from deidentification.pixels.streams.jpeg_scan import Used, clean_scan
from deidentification.pixels.streams.unclean_stream import UncleanStreamError


def rebuilt_jpeg(stream: bytes, *, bits_stored: int) -> bytes:
    """The same picture without comments, application data, unused tables, gaps and tails.

    Every byte of the result either has a fixed value or determines a pixel. Raises
    UncleanStreamError for other JPEGs than sequential ones with Huffman codes and one scan, and
    for values of more bits than the stored ones, which may be an overlay.
    """
    header = read_header(stream)
    if header.precision > bits_stored:
        raise UncleanStreamError
    data, used = clean_scan(stream, header)
    _keep_only_used(header, used)
    clean = header.encoded() + data + END
    return clean + b"\0" * (len(clean) % 2)


def _keep_only_used(header: JpegHeader, used: Used) -> None:
    """Replace the parts of tables that no pixel depends on."""
    for key in used.entries:
        header.huffman[key] = header.huffman[key].without_unused_symbols(used.symbols(key))
    for number, coefficients in used.coefficients.items():
        coefficients[1] = 1  # the DC coefficient
        header.quantization[number] = tuple(
            value if coefficients[index] else 1 for index, value in enumerate(header.quantization[number], 1)
        )
