"""Code that all functions share; it imports none of them."""

PIPELINE_VERSION = "0.1.0"
