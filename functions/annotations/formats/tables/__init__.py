"""Label tables: their cells, their columns and the labels in them."""
