"""Signs that a request was sent by a page of another site, in the browser of somebody on this machine."""

from collections.abc import Iterable

_FORM_TYPES = (b"application/x-www-form-urlencoded", b"multipart/form-data", b"text/plain")
"""Types of a body that a page may send anywhere without asking first (Fetch standard, safelisted request headers)."""
_DEFAULT_PORTS = {b"http": b"80", b"https": b"443"}


def cross_site_sign(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return what says that a request comes from another site's page; None for one from this service's own pages,
    or from a client that is no browser.

    Args:
        headers: names in lower case, as ASGI gives them.

    A page can neither leave these headers out nor choose their values. `X-Forwarded-Host`, which a proxy sets, counts
    beside `Host`: a page that sets it itself has to ask first, and is not allowed to. Where the browser says that the
    origin is the same, a proxy may have another port.
    """
    origins, sites, hosts, types = [], [], [], []
    for name, value in headers:
        if name == b"origin":
            origins.append(value.strip().lower())
        elif name == b"sec-fetch-site":
            sites.append(value.strip().lower())
        elif name in (b"host", b"x-forwarded-host"):
            hosts += [each.strip().lower() for each in value.split(b",")]
        elif name == b"content-type":
            types.append(value.partition(b";")[0].strip().lower())
    for origin in origins:
        if not _is_own(origin, hosts, has_any_port=sites == [b"same-origin"]):
            return f"its Origin is {origin.decode('latin-1')[:100]!r}"
    for site in sites:
        if site not in (b"same-origin", b"none"):
            return f"its Sec-Fetch-Site is {site.decode('latin-1')[:100]!r}"
    for kind in types:
        if kind in _FORM_TYPES:
            return f"its Content-Type is {kind.decode('latin-1')!r}, as that of a form"
    return None


def host_of(authority: bytes) -> bytes:
    """Return the host of an authority (`localhost:8000`, `[::1]:8000`) without its port."""
    if authority.startswith(b"["):
        return authority.partition(b"]")[0] + b"]"
    return authority.partition(b":")[0]


def _is_own(origin: bytes, hosts: Iterable[bytes], *, has_any_port: bool) -> bool:
    scheme, _, authority = origin.partition(b"://")
    default = _DEFAULT_PORTS.get(scheme)
    if default is None:
        return False
    host, port = _place(authority, default)
    return any(host == known and (has_any_port or port == on) for known, on in (_place(h, default) for h in hosts))


def _place(authority: bytes, default_port: bytes) -> tuple[bytes, bytes]:
    host = host_of(authority)
    return host, authority[len(host) :].removeprefix(b":") or default_port
