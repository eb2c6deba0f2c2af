from fruit import bad, good, make_bundle, pipeline, rows, seal

__all__ = ["bad", "good", "make_bundle", "pipeline", "rows", "seal"]
