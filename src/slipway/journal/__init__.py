"""Answers and truths: durable before they are acknowledged, shipped exactly once, read back as windows."""

from slipway.journal.ship import Shipper
from slipway.journal.spool import SpoolWriter, read_spool
from slipway.journal.truths import Given, Outcome, record_truths
from slipway.journal.window import Found, find, labelled, read_window

__all__ = [
    "Found",
    "Given",
    "Outcome",
    "Shipper",
    "SpoolWriter",
    "find",
    "labelled",
    "read_spool",
    "read_window",
    "record_truths",
]
