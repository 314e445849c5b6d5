"""UIDs of PS3.6 that are newer than pydicom 3.0; importing this module makes pydicom know them.

Without it, a SOP class would be taken for an instance UID, and replaced by a pseudonym.
"""

from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID

_TRANSFER_SYNTAXES = {
    "1.2.840.10008.1.2.4.110": ("JPEG XL Lossless", "JPEGXLLossless"),
    "1.2.840.10008.1.2.4.111": ("JPEG XL JPEG Recompression", "JPEGXLJPEGRecompression"),
    "1.2.840.10008.1.2.4.112": ("JPEG XL", "JPEGXL"),
    "1.2.840.10008.1.2.8.1": ("Deflated Image Frame Compression", "DeflatedImageFrameCompression"),
}
_SOP_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.66.7": ("Label Map Segmentation Storage", "LabelMapSegmentationStorage"),
    "1.2.840.10008.5.1.4.1.1.66.8": ("Height Map Segmentation Storage", "HeightMapSegmentationStorage"),
}
for _kind, _uids in (("Transfer Syntax", _TRANSFER_SYNTAXES), ("SOP Class", _SOP_CLASSES)):
    for _uid, (_name, _keyword) in _uids.items():
        UID_dictionary.setdefault(_uid, (_name, _kind, "", "", _keyword))

JPEGXLLossless, JPEGXLRecompression, JPEGXL, DeflatedFrames = (UID(uid) for uid in _TRANSFER_SYNTAXES)
LabelMapSegmentationStorage, HeightMapSegmentationStorage = (UID(uid) for uid in _SOP_CLASSES)
