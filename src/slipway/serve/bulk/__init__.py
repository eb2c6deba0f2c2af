"""Large requests, answered by a process beside the service, so that small ones do not wait for them."""
