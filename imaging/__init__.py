"""DICOM: reading files, decoding frames, the picture recipe.

pydicom's warnings and log lines quote element values, which may be a patient's; none of them
may reach a log of ours.
"""

import logging
import warnings

import pydicom  # noqa: F401 at its import it sets its logger's level

warnings.filterwarnings("ignore", module=r"pydicom(\..*)?")
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
