"""The page for reviewers: see where everything is, look at what is held, decide."""
