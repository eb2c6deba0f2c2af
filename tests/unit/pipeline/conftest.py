from written_flats import flats, outcomes

__all__ = ["flats", "outcomes"]
