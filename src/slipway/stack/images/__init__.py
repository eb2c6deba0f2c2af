"""A project's code in; out: what its images hold, their Dockerfile, their locks, and Slipway itself as a wheel."""
