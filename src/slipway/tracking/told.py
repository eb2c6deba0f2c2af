"""An error of MLflow's or of the network in, one line on what happened and what to do out."""

import re

_HOST = "Invalid Host header"
_STATUS = re.compile(r"failed with error code (\d{3})")
_PATH = re.compile(r"request to endpoint (\S+)")
_UNKNOWN_NAME = ("Name or service not known", "Temporary failure in name resolution", "nodename nor servname")


def reason_of(error: BaseException, uri: str) -> str:
    """Why MLflow at this address did not do what it was asked; a sentence without its full stop."""
    said = str(error)
    if _HOST in said:
        host = re.sub(r"^https?://([^@/]*@)?([^/]*).*", r"\2", uri)
        return (
            f"it takes no requests for {host}: name that host, with its port, where it is started (--allowed-hosts, or "
            "MLFLOW_SERVER_ALLOWED_HOSTS)"
        )
    status, path = _STATUS.search(said), _PATH.search(said)
    if status is not None and status[1] in ("401", "403"):
        return (
            f"it does not let us in ({status[1]}): MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
            "MLFLOW_TRACKING_TOKEN, say who asks"
        )
    if status is not None and status[1] == "404" and path is not None:
        return f"it has no {path[1]}: is it MLflow, of version 3 or newer?"
    away = _away(error)
    return away if away is not None else (said or type(error).__name__).strip().split("\n")[0].rstrip(".")


def _away(error: BaseException) -> str | None:
    """What the network says, where there was no answer at all; None where there was one."""
    from requests.exceptions import ConnectionError as NotConnected
    from requests.exceptions import Timeout

    met = error.__cause__ or error.__context__
    if not isinstance(met, Timeout | NotConnected):
        return None
    text = str(met)
    if isinstance(met, Timeout) or "timed out" in text:
        return "it did not answer in time: is its machine busy, or its database away?"
    if any(each in text for each in _UNKNOWN_NAME):
        return "no machine has this name: is it started, and on the same network?"
    if "Connection refused" in text:
        return "nothing listens there: is it started?"
    return f"the connection failed ({text.split('Caused by ')[-1].rstrip(')')})"
