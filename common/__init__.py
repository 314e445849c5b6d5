"""What every function of dcm2set shares; knows no function."""

PIPELINE_VERSION = "0.1.0"
