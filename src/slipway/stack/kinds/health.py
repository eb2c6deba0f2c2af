"""What shows that a container is well in, its health check out.

An engine looks for the first time after a whole interval, and what waits for the container waits as long. So the
interval is short, and a check that finds it not ready goes on to look for a while, and says so the moment that it is.
Each look costs a tenth of a second of a processor: once all was well, a check rests before it looks. (`start_interval`
is meant for this; engines before 25 refuse it.)
"""

from typing import Any

_RESTS_SECONDS = 8
_LOOKS_SECONDS = 9
_WAS_WELL = "/tmp/was-well"  # noqa: S108 - a tmpfs of the container's own, gone with its next start
_ASK = (
    "exec 3<>/dev/tcp/127.0.0.1/{port}; printf 'GET {path} HTTP/1.0\\r\\nHost: 127.0.0.1:{port}\\r\\n\\r\\n' >&3; "
    "head -n 1 <&3 | grep -q ' 200 '"
)


def answering(port: int | None, path: str = "/health") -> dict[str, Any]:
    """It answers 200 there. A slim image has no curl, `localhost` may be ::1, and Python takes longer to start."""
    return until(_ASK.format(port=port, path=path))


def until(condition: str, interval: int = 3) -> dict[str, Any]:
    """A condition of the shell's holds, in a container that has bash; first looked at after so many seconds."""
    rest = f"[ -e {_WAS_WELL} ] && sleep {_RESTS_SECONDS}"
    look = f"until ({condition}) 2>/dev/null; do sleep 0.2; done"
    at_most = _RESTS_SECONDS + _LOOKS_SECONDS
    return {
        "test": ["CMD", "timeout", str(at_most), "bash", "-c", f"{rest}; {look}; touch {_WAS_WELL}"],
        "interval": f"{interval}s",
        "timeout": f"{at_most + 1}s",
        "retries": 3,
        "start_period": "60s",
    }
