"""Who may ask for what: every route, by every kind of caller, written out."""

import pytest

from slipway.serve.access.tokens import TokenBook

ROW = {"area": "50 m2", "rooms": 2, "street": "Main"}
CALLERS = ("nobody", "wrong", "revoked", "predict", "feedback", "read", "operate")
TABLE = """
                            nobody  wrong  revoked  predict  feedback  read  operate
POST /predict                  401    401      401      200       403   403      200
POST /predict/                 401    401      401      200       403   403      200
POST /predict?form=standard    401    401      401      200       403   403      200
POST /predict/batch            401    401      401      200       403   403      200
POST /price                    401    401      401      400       403   403      400
POST /predict_area             401    401      401      422       403   403      422
POST /feedback                 401    401      401      403       422   403      422
POST /feedback/                401    401      401      403       422   403      422
GET /                          401    401      401      403       403   200      200
GET /model                     401    401      401      403       403   200      200
GET /model/features            401    401      401      403       403   200      200
GET /model/classes             401    401      401      403       403   200      200
GET /data/sample               401    401      401      403       403   200      200
GET /predictions/nobody        401    401      401      403       403   404      404
GET /metrics                   401    401      401      403       403   200      200
GET /openapi.json              401    401      401      403       403   200      200
GET /health                    200    200      200      200       200   200      200
GET /docs                      200    200      200      200       200   200      200
HEAD /model                    401    401      401      403       403   200      200
GET /predict                   401    401      401      405       403   403      405
POST /health                   401    401      401      403       405   403      405
PUT /predict                   401    401      401      405       403   403      405
DELETE /predictions/nobody     401    401      401      403       405   403      405
GET /wp-admin                  401    401      401      403       403   404      404
"""
ROUTES = [line.split() for line in TABLE.strip().splitlines()[1:]]


def test_the_table_is_of_24_routes_and_7_callers():
    assert len(ROUTES) == 24
    assert {len(statuses) for _, _, *statuses in ROUTES} == {len(CALLERS)}


@pytest.fixture
def live(flats, service):
    flats.release(1)
    service.live.look()
    return service


@pytest.fixture
def headers(flats, live):
    """What each caller sends."""
    book = TokenBook(flats.storage.tokens)
    tokens = {name: book.add(name, [name]) for name in ("predict", "feedback", "read", "operate")}
    tokens |= {"revoked": book.add("revoked", ["operate"]), "wrong": "slw_" + "a" * 43}
    book.revoke("revoked")
    live.access.look()
    return {name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items()} | {"nobody": {}}


def test_each_caller_gets_what_its_scopes_allow_and_nothing_else(client, headers):
    found = []
    for method, path, *_ in ROUTES:
        body = {} if path in ("/price", "/predict_area") or path.startswith("/feedback") else ROW
        options = {"json": body} if method == "POST" else {}
        replies = [client.ask(method, path, headers=headers[caller], **options) for caller in CALLERS]
        found.append([method, path, *(str(reply.status_code) for reply in replies)])
        for reply in replies:
            is_told = method == "HEAD" or reply.status_code not in (401, 403) or "slipway tokens add" in reply.text
            assert is_told
    assert found == ROUTES
