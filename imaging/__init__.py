"""Images of DICOM files: reading data sets, decoding frames, drawing pictures, PNG files.

pydicom's warnings and log lines quote element values, which may be patient data. So both are
switched off here, and none reaches the pipeline's logs.
"""

import logging
import warnings

import pydicom  # noqa: F401 its import sets the logger's level, which is changed below

warnings.filterwarnings("ignore", module=r"pydicom(\..*)?")
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
