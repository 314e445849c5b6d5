"""From a DICOM file to its decoded frames, and what of them is blanked."""
