"""When Python looks for unused objects in cycles: seldom while libraries are imported, as ever in a user's code.

Importing scikit-learn makes 150,000 objects that stay. Python looks 400 times for unused ones among them meanwhile, and
once more as it ends: a fifth of what that import takes.
"""

import atexit
import gc

_WHILE_IMPORTING = (50_000, 20, 100)
_usual: list[tuple[int, int, int]] = []
"""What to go back to, while it is another."""


def look_seldom() -> None:
    """For the start of a process of ours: look after 50,000 new objects, and not at the end."""
    _usual.append(gc.get_threshold())
    gc.set_threshold(*_WHILE_IMPORTING)
    atexit.register(gc.freeze)


def look_as_usual() -> None:
    """From here on as Python does by itself, at what is made from here on: what is there counts as used.

    Once for a process; for one that did not begin with `look_seldom`, such as a notebook's, this does nothing.
    """
    while _usual:
        gc.freeze()
        gc.set_threshold(*_usual.pop())
