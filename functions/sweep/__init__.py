"""sweep: pending items, sent again."""
