"""The fonts that texts are drawn with, their packages and licences, and the half each of them belongs to.

Faces of one design, and designs that were drawn from one another, are one entry, so they never lie in both
halves. Fonts under the GPL are left out, as such pictures are in `model.training.sources.recipes`.
Nothing of a font becomes part of dcm2set: the net only sees pictures with text.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from model.training.sources.source_packages import Kind, SourcePackage

_OFL, _APACHE, _MIT = "SIL Open Font License 1.1", "Apache-2.0", "MIT, as the package declares"

FONT_PACKAGES = {
    package.name: package
    for package in (
        SourcePackage(
            "matplotlib",
            "3.11.2",
            Kind.INSTALLED,
            "matplotlib/mpl-data/fonts/ttf",
            "DejaVu: Bitstream Vera licence; STIX: OFL 1.1; Computer Modern: BaKoMa licence",
        ),
        SourcePackage(
            "pymupdf-fonts",
            "1.0.5",
            Kind.WHEEL,
            "pymupdf_fonts",
            "SIL Open Font License 1.1; Ubuntu: Ubuntu Font Licence 1.0",
            "8e4bb70a4a8f6bb895ef8f3b77b98f6c43e2f39c31cfdec5fd21c3d512c38b25",
        ),
        SourcePackage(
            "font-roboto",
            "0.0.1",
            Kind.SDIST,
            "font-roboto-0.0.1/font_roboto/files",
            _APACHE,
            "8bc9136bf46609fbb13af4783016799b14e23dda294a61791171de7ea2ec457f",
        ),
        SourcePackage(
            "font-source-sans-pro",
            "0.0.1",
            Kind.WHEEL,
            "font_source_sans_pro/files",
            _OFL,
            "2250396f565a0fea35726e56059216d1d5d75071d64d075ebdfec183b4b85765",
        ),
        SourcePackage(
            "font-source-serif-pro",
            "0.0.1",
            Kind.WHEEL,
            "font_source_serif_pro/files",
            _OFL,
            "38dd9a8d8027d22aa8ef2d10d27d7c558701b32772ff9f3790f509577e91dca4",
        ),
        SourcePackage(
            "font-manrope",
            "0.0.2",
            Kind.WHEEL,
            "font_manrope/files",
            _OFL,
            "2ca9192f3602a3459323dfd7447c8c5ffa0795696c62fac465ef7c9b0521d292",
        ),
        SourcePackage(
            "font-hanken-grotesk",
            "0.0.2",
            Kind.WHEEL,
            "font_hanken_grotesk/files",
            _OFL,
            "7c3609e9bcdc2c9550b2a3baaed937eb7598fc1034e7df1ebcc4eb5489fa86f9",
        ),
        SourcePackage(
            "font-caladea",
            "0.0.2",
            Kind.WHEEL,
            "font_caladea/files",
            _APACHE,
            "eab5b77f1da830226524f419d16d4bc4cb5b68d2de0f47ef83760a8b202e94bc",
        ),
        SourcePackage(
            "ttf-opensans",
            "2020.10.30",
            Kind.WHEEL,
            "ttf_opensans/ttf",
            _APACHE,
            "2ce65f171eb60fc16c15b31fc714cc5735533acb43b0637e5cebb612e2a9ac9c",
        ),
        SourcePackage(
            "pillow",
            "11.3.0",
            Kind.SDIST,
            "pillow-11.3.0",
            "X fixed: public domain; Terminus: SIL Open Font License 1.1; Adobe Courier: X11 licence",
            "3828ee7586cd0b2091b6209e5ad53e20d0649bbe87164a459d0676e035e8f523",
        ),
        SourcePackage(
            "luma.core",
            "2.6.0",
            Kind.WHEEL,
            "luma/core/legacy",
            _MIT,
            "ee2c048982942d936eb3720f17d42262cd1a5085a401cce81de4cbc25bed86f9",
        ),
        SourcePackage(
            "monobit",
            "0.54.0",
            Kind.SDIST,
            "monobit-0.54.0/monobit/resources",
            "Unscii: public domain",
            "f0f2bb8e20ee758a3febc11bf2aedcb99a548f1540ef93db076c60c5d9865e23",
        ),
        SourcePackage(
            "Hershey-Fonts",
            "2.1.0",
            Kind.WHEEL,
            "HersheyFonts",
            "MIT, as the package declares; A. V. Hershey's coordinates are free to use",
            "e53ef56bdef231f10f0576a6570f49fcc8442e45115028bc52a7ade15d824581",
        ),
    )
}


class FontKind(StrEnum):
    """How a font describes its letters."""

    OUTLINE = "outline"
    BITMAP = "bitmap"
    STROKE = "stroke"


@dataclass(frozen=True)
class Design:
    """One design with its faces."""

    name: str
    kind: FontKind
    package: str
    faces: tuple[str, ...]
    """Files of the package; for luma.core names of its arrays, for Hershey-Fonts names of its fonts."""


def _outline(name: str, package: str, pattern: str, *faces: str) -> Design:
    return Design(name, FontKind.OUTLINE, package, tuple(pattern.format(face) for face in faces))


DESIGNS = (
    _outline("DejaVu Sans", "matplotlib", "DejaVuSans{}.ttf", "", "-Bold", "-Oblique", "Mono", "Mono-Bold"),
    _outline("DejaVu Serif", "matplotlib", "DejaVuSerif{}.ttf", "", "-Bold"),
    _outline("STIX", "matplotlib", "STIXGeneral{}.ttf", "", "Bol", "Italic"),
    _outline("Computer Modern Roman", "matplotlib", "{}.ttf", "cmr10", "cmb10"),
    _outline("Computer Modern Sans", "matplotlib", "{}.ttf", "cmss10"),
    _outline("Computer Modern Typewriter", "matplotlib", "{}.ttf", "cmtt10"),
    _outline("Cascadia Mono", "pymupdf-fonts", "CascadiaMono_{}.py", "Regular", "Bold"),
    _outline("Fira", "pymupdf-fonts", "Fira{}.py", "GO_Regular", "GO_Bold", "Mono_Regular", "Mono_Bold"),
    _outline("Space Mono", "pymupdf-fonts", "SpaceMono_{}.py", "Regular", "Bold"),
    _outline(
        "Ubuntu", "pymupdf-fonts", "Ubuntu{}.py", "_Regular", "_Bold", "_Italic", "Mono_Regular", "Mono_Bold"
    ),
    _outline(
        "Open Sans, Noto Sans",
        "ttf-opensans",
        "OpenSans-{}.ttf",
        *("Regular", "Bold", "Light", "Italic", "SemiBold"),
    ),
    _outline(
        "Roboto", "font-roboto", "Roboto-{}.ttf", "Regular", "Bold", "Light", "Thin", "Italic", "Medium"
    ),
    _outline(
        "Source Sans Pro", "font-source-sans-pro", "SourceSansPro-{}.ttf", "Regular", "Bold", "Light", "It"
    ),
    _outline("Source Serif Pro", "font-source-serif-pro", "SourceSerifPro-{}.ttf", "Regular", "Bold", "It"),
    _outline("Manrope", "font-manrope", "Manrope-{}.ttf", "Regular", "Bold", "Light"),
    _outline(
        "Hanken Grotesk", "font-hanken-grotesk", "HankenGrotesk-{}.otf", "Regular", "Bold", "Light", "Italic"
    ),
    _outline("Caladea", "font-caladea", "Caladea-{}.ttf", "Regular", "Bold", "Italic"),
    Design("X fixed", FontKind.BITMAP, "pillow", ("Tests/fonts/10x20.pil",)),
    Design("Terminus", FontKind.BITMAP, "pillow", ("Tests/fonts/ter-x20b-iso8859-1.pil",)),
    Design("Adobe Courier", FontKind.BITMAP, "pillow", ("Tests/images/courB08.pil",)),
    Design("Code page 437", FontKind.BITMAP, "luma.core", ("CP437_FONT",)),
    Design("Sinclair", FontKind.BITMAP, "luma.core", ("SINCLAIR_FONT", "SPECCY_FONT")),
    Design("LCD", FontKind.BITMAP, "luma.core", ("LCD_FONT",)),
    Design("Atari", FontKind.BITMAP, "luma.core", ("ATARI_FONT",)),
    Design("Unscii", FontKind.BITMAP, "monobit", ("unscii-16.yaff.gz",)),
    Design("Hershey simplex", FontKind.STROKE, "Hershey-Fonts", ("futural", "rowmans")),
    Design("Hershey duplex", FontKind.STROKE, "Hershey-Fonts", ("futuram", "rowmand")),
    Design("Hershey complex", FontKind.STROKE, "Hershey-Fonts", ("timesr", "timesi")),
    Design("Hershey triplex", FontKind.STROKE, "Hershey-Fonts", ("rowmant", "timesrb", "timesib")),
)


class Half(StrEnum):
    """What a font or a patient is used for."""

    TUNING = "tuning"
    """Training and every choice."""
    MEASURED = "measured"
    """Only the figures at the end."""


def designs(half: Half) -> list[Design]:
    """The designs of a half: of each kind, sorted by the SHA-256 of their names, every second one."""
    chosen: list[Design] = []
    for kind in FontKind:
        ordered = sorted(
            (design for design in DESIGNS if design.kind is kind),
            key=lambda design: hashlib.sha256(design.name.encode()).hexdigest(),
        )
        chosen += ordered[0 if half is Half.MEASURED else 1 :: 2]
    return chosen
