"""The features of a picture that the quality model looks at."""
