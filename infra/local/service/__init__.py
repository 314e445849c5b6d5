"""What a running home tells other services of the machine: the service manager, Prometheus."""
