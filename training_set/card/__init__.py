"""The dataset card: what a training set holds, how it came about, and what to beware of."""
