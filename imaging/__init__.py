"""Images of DICOM files: reading data sets, decoding frames, drawing pictures, PNG files.

pydicom's warnings and log lines quote element values, which may be patient data. So both are
switched off here, and none reaches the pipeline's logs.
"""

import logging
import warnings

warnings.filterwarnings("ignore", module=r"pydicom(\..*)?")
# Not by a level: pydicom sets one when it is imported. Importing it here would take a third of a second, also
# in processes that have no need of it.
_logger = logging.getLogger("pydicom")
_logger.addHandler(logging.NullHandler())
_logger.propagate = False
