"""The features that the quality model computes from a picture."""
