"""The mark that makes a plain function a stage. It changes nothing: the function stays callable and testable."""

from collections.abc import Callable
from typing import Any, TypeVar, overload

Function = TypeVar("Function", bound=Callable[..., Any])


@overload
def stage(function: Function, /) -> Function: ...
@overload
def stage(
    *, outputs: tuple[str, ...] = (), online: bool = False, publish: str | None = None, key: list[str] | None = None
) -> Callable[[Function], Function]: ...
def stage(
    function: Function | None = None,
    /,
    *,
    outputs: tuple[str, ...] = (),
    online: bool = False,
    publish: str | None = None,
    key: list[str] | None = None,
) -> Function | Callable[[Function], Function]:
    """Mark a function as a stage: its name is the artifact it makes, its positional parameters are those it reads.

    Args:
        outputs: names of the artifacts, where the function returns a tuple of them.
        online: also applied to each request before the model sees it; gives the same rows in the same order.
        publish: a table of the project's database that the result is written to as well, atomically.
        key: the columns by which published rows are recognised; by content without one.

    The arguments are read from the source text without running it, so they are written as literals.
    """
    return function if function is not None else lambda marked: marked
