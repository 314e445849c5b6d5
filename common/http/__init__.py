"""HTTP: the interface of functions, request bodies, complete responses, TLS."""
