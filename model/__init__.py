"""The quality model: features, training, the artefact and its card."""
