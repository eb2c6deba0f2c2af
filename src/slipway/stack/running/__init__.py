"""A rendered stack in, running services out: secrets, checks, build, start, look, stop; thin over `docker compose`."""
