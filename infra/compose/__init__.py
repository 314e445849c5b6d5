"""dcm2set under Docker Compose: the files that it starts from, and the command that makes its secrets."""
