"""The verdicts: images near the limits, what persons overrule, distributions and weeks."""
