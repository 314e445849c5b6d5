"""Forms in which others read a training set: Croissant metadata, Parquet shards, WebDataset tars."""
