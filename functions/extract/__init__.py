"""extract: pictures, de-identified files and metadata from DICOM."""
