"""The command line, a thin command a verb: parse, call, print, exit code. What a verb means stands in the workspace."""

from slipway.cli import build, job, release, serve, stack, watch  # each adds its commands to the app, in this order
from slipway.cli.shared import app

__all__ = ["app", "build", "job", "release", "serve", "stack", "watch"]
