"""Who asks and what they may: tokens in, callers or refusals out."""
