"""An API that has several containers in, the HAProxy before them out: its Compose service and its configuration."""

from typing import Any

from slipway.project.facts import Project
from slipway.project.stack import Service, Stack
from slipway.stack.heading import comment
from slipway.stack.kinds import health, ours

PLACE = "/usr/local/etc/haproxy/haproxy.cfg"
_AT_MOST = 32
"""Containers that it finds; names of more are not asked for."""
_HEALTH = 8404

_CONFIG = """\
global
    maxconn 4096
    hard-stop-after 30s
    log stdout format raw local0 notice

defaults
    mode http
    log global
    option httplog
    option dontlog-normal
    option log-separate-errors
    # A container counts as up from when its name is found to its first check: who is refused there asks the next one.
    option redispatch 1
    retries {most}
    retry-on conn-failure
    timeout connect 500ms
    timeout client 60s
    timeout server 60s
    timeout queue 10s
    timeout check 4s
    timeout http-request 10s
    # The proxy hangs up first: an API does so after five seconds, maybe as the next request leaves.
    timeout http-keep-alive 4s
    http-reuse never

# Docker's own DNS: a container that starts or ends is found or forgotten within two seconds.
resolvers docker
    nameserver dns 127.0.0.11:53
    accepted_payload_size 8192
    resolve_retries 3
    timeout resolve 1s
    timeout retry 1s
    hold valid 2s
    hold obsolete 4s

frontend published
    bind :{port}
    option forwardfor
    default_backend service

frontend health
    bind 127.0.0.1:{health}
    monitor-uri /health
    acl nobody nbsrv(service) eq 0
    monitor fail if nobody

backend service
    balance roundrobin
    option httpchk GET /health
    http-check expect status 200
    default-server check inter 2s fastinter 500ms downinter 500ms fall 2 rise 1 resolvers docker init-addr none
    server-template replica {most} {name}:{port}
"""


def compose(service: Service, stack: Stack, project: Project) -> dict[str, Any]:
    """It holds the port that the project publishes; the containers behind it publish none."""
    return {
        "command": ["haproxy", "-db", "-f", PLACE],
        "user": ours.USER,
        "volumes": [ours.bind(f"./{_path(service)}", PLACE, read_only=True)],
        **ours.published(service, service.listen),
        "stop_signal": "SIGUSR1",  # lets requests end; SIGTERM would cut them off
        "healthcheck": health.answering(_HEALTH),
    }


def files(service: Service) -> dict[str, str]:
    config = _CONFIG.format(port=service.listen, health=_HEALTH, most=_AT_MOST, name=service.name)
    return {_path(service): comment(f"[stack.services.{service.name}]") + config}


def _path(service: Service) -> str:
    return f"docker/{service.proxy}/haproxy.cfg"
