"""Train the quality model on real pictures and degraded copies of them."""
