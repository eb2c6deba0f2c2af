"""What shows that a container is well in, its health check out.

An engine looks for the first time after a whole interval, and what waits for the container waits as long. So a check
that finds it not ready goes on to look for a while, and says that it is the moment that it is. (`start_interval` is
meant for this; engines before 25 refuse it.) Each look costs about a tenth of a second of a processor.
"""

from typing import Any

_LOOKS_SECONDS = 9
_ASK = (
    "exec 3<>/dev/tcp/127.0.0.1/{port}; printf 'GET {path} HTTP/1.0\\r\\nHost: 127.0.0.1:{port}\\r\\n\\r\\n' >&3; "
    "head -n 1 <&3 | grep -q ' 200 '"
)


def answering(port: int | None, path: str = "/health") -> dict[str, Any]:
    """It answers 200 there. A slim image has no curl, `localhost` may be ::1, and Python takes longer to start."""
    return until(_ASK.format(port=port, path=path))


def until(condition: str, interval: int = 3) -> dict[str, Any]:
    """A condition of the shell's holds, in a container that has bash; looked at every so many seconds."""
    words = f"until ({condition}) 2>/dev/null; do sleep 0.2; done"
    return {
        "test": ["CMD", "timeout", str(_LOOKS_SECONDS), "bash", "-c", words],
        "interval": f"{interval}s",
        "timeout": f"{_LOOKS_SECONDS + 1}s",
        "retries": 3,
        "start_period": "60s",
    }
