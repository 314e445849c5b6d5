"""sweep: finds the work that events have missed."""
