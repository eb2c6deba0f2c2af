import socket

import pytest

from slipway.errors import OutsideError, ProjectError
from slipway.serve.access.tokens import TokenBook
from slipway.serve.server import serve


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org", "::", ""])
def test_beyond_this_machine_nothing_is_served_without_a_token(flats, host):
    with pytest.raises(ProjectError, match="slipway tokens add NAME --scope predict"):
        serve(flats.project, flats.settings, flats.storage, host=host, port=0)


def test_an_address_that_this_machine_does_not_have_is_outside(flats):
    TokenBook(flats.storage.tokens).add("shop", ["predict"])
    with pytest.raises(OutsideError, match=r"192\.0\.2\.1:0 can't be listened on"):  # an address kept for documents
        serve(flats.project, flats.settings, flats.storage, host="192.0.2.1", port=0)


def test_a_taken_port_is_outside_and_the_remedy_is_named(flats):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OutsideError, match="--port 0"):
            serve(flats.project, flats.settings, flats.storage, port=port)


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_is_none_is_refused(flats, port):
    with pytest.raises(OutsideError):
        serve(flats.project, flats.settings, flats.storage, port=port)
