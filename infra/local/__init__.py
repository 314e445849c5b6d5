"""One local dcm2set: the servers, functions and timers of one home folder."""
