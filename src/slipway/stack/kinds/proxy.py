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
    option redispatch
    retries 3
    retry-on conn-failure
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    timeout queue 10s
    timeout check 4s
    timeout http-request 10s
    timeout http-keep-alive 10s

# Docker's own DNS: a container that starts or ends is found or forgotten within two seconds.
resolvers docker
    nameserver dns 127.0.0.11:53
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
    balance leastconn
    option httpchk GET /health
    http-check expect status 200
    default-server check inter 2s fall 2 rise 1 resolvers docker init-addr none
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
