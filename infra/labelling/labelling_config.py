"""What annotators are asked, in Label Studio's own terms (labelstud.io/tags/choices)."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring


def labelling_config(labels: Sequence[str]) -> str:
    """A labelling interface: the image, and each label as a choice that may be ticked with others."""
    view = Element("View")
    SubElement(view, "Image", name="image", value="$image", zoom="true", zoomControl="true")
    choices = SubElement(view, "Choices", name="labels", toName="image", choice="multiple")
    for label in labels:
        SubElement(choices, "Choice", value=label)
    indent(view)
    return tostring(view, encoding="unicode")
