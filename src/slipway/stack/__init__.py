"""A project with `[stack]` in, a real Compose stack out: its files, its images, and what operates it."""
