"""The frozen versions of training sets: their cards, files and differences."""
