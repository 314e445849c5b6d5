"""The child process in which files are read, drawn and de-identified."""
