"""Figures as people read them: on pages, in the terminal, in the gate's table and in the ledger."""


def rounded(value: float, *, digits: int = 4) -> str:
    """Round a figure to so many digits that count: `11,288`, `0.8413`, `2.1e-05`."""
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value + 0.0:.{2 if 0 < abs(value) < 0.001 else digits}g}"  # a zero has no sign here


def counted(number: int, noun: str) -> str:
    """Say how many there are: `1 row`, `2,000 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
