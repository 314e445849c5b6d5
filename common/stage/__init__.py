"""A stage: claims an item, works on it, records and settles; its admission and backlog."""
