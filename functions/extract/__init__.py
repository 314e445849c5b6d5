"""extract: makes pictures, de-identified files and metadata from DICOM files."""
