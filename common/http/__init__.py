"""HTTP: what functions answer, request bodies, complete responses, TLS."""
