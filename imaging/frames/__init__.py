"""From a DICOM file to its decoded frames, with blanked parts made black."""
