"""Everything on one machine: servers, functions and timers of one home folder."""
