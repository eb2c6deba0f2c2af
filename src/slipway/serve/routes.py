"""A service in, everything beside what predicts out, as a FastAPI application: state, model, journal, documents."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from starlette.concurrency import run_in_threadpool

from slipway.errors import OutsideError, near_miss
from slipway.serve.bulk.channel import FeedbackTask
from slipway.serve.bulk.process import LARGE_BODY_BYTES
from slipway.serve.feedback import FeedbackPlaces, give_feedback
from slipway.serve.http.body import Disconnected
from slipway.serve.http.json_body import read_json
from slipway.serve.http.refusal import Refusal, unavailable
from slipway.serve.live.route import LiveRoute
from slipway.serve.pages.docs import docs_page
from slipway.serve.pages.front import page
from slipway.serve.pages.openapi import openapi
from slipway.serve.service import Service

ENDPOINTS = {
    "/predict": "POST an object, a list of objects, or columns",
    "/predict/batch": "POST the same, in the standard form whatever /predict takes here",
    "/feedback": 'POST {"id", "truth"} or a list of them',
    "/predictions/{id}": "one answer, with the truth if it came",
    "/data/sample": "ten rows as the model was tested on",
    "/model": "what is live; /model/features, /model/classes",
    "/health": "live, ready, and what the service depends on",
    "/metrics": "for Prometheus",
    "/docs": "try it in the browser",
}


def other_routes(service: Service) -> FastAPI:
    app = FastAPI(title=service.project.name, docs_url=None, redoc_url=None, redirect_slashes=False)
    _answer_refusals(app, service)
    _add_state_routes(app, service)
    _add_model_routes(app, service)
    _add_journal_routes(app, service)
    app.openapi = lambda: openapi(app, service)  # type: ignore[method-assign]  # FastAPI's own way to do this
    return app


def _answer_refusals(app: FastAPI, service: Service) -> None:
    @app.exception_handler(Refusal)
    async def refused(request: Request, error: Refusal) -> Response:
        return _json({"detail": error.detail}, error.status, _headers(error.headers))

    @app.exception_handler(OutsideError)
    async def away(request: Request, error: OutsideError) -> Response:
        return _json({"detail": unavailable(error).detail}, 503)

    @app.exception_handler(404)
    async def unknown(request: Request, error: HTTPException) -> Response:
        path = request.scope["path"]
        hint = f"{near_miss(path, service.paths.all())} GET / lists what there is."
        return _json({"detail": f"There is no {path[:100]} here.{hint}"}, 404)

    @app.exception_handler(405)
    async def another_method(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        return _json({"detail": f"{request.scope['path']} takes {headers.get('Allow', 'GET')}."}, 405, headers)


def _add_state_routes(app: FastAPI, service: Service) -> None:
    @app.get("/", summary="What this is")
    def root(request: Request) -> Response:
        wants_page = "text/html" in request.headers.get("accept", "")
        if wants_page:
            html, policy = page(service)
            return HTMLResponse(html, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})
        live = service.live.state.live
        endpoints = ENDPOINTS | {path: _form(route) for path, route in (live.routes if live else {}).items()}
        endpoints |= {path: f"as {meant}" for path, meant in service.project.api.aliases.items()}
        return _json({"name": service.project.name, "version": live.version if live else None, "endpoints": endpoints})

    @app.get("/docs", include_in_schema=False)
    def docs() -> Response:
        html, policy = docs_page()  # FastAPI's own would be fetched from elsewhere
        return HTMLResponse(html, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})


def _add_model_routes(app: FastAPI, service: Service) -> None:
    @app.get("/model", summary="What is live")
    def model() -> Response:
        live = service.version()
        manifest, released = live.scorer.bundle.manifest, live.released
        return _json(
            {
                "name": service.project.name,
                "version": live.version,
                "kind": manifest.kind,
                "target": manifest.target,
                "bundle": live.scorer.bundle.sha256,
                "metrics": dict(manifest.reported),
                "libraries": dict(manifest.libraries),
                "released": {"at": released.at, "by": released.by, "why": released.why, "action": released.action},
            }
        )

    @app.get("/model/features", summary="What a row has to have")
    def features() -> Response:
        columns = service.version().scorer.bundle.schema.columns
        return _json({"features": [{"name": c.name, "types": list(c.types), "nullable": c.nullable} for c in columns]})

    @app.get("/model/classes", summary="What may be predicted; empty for regression")
    def classes() -> Response:
        return _json({"classes": list(service.version().scorer.bundle.manifest.classes)})

    @app.get("/data/sample", summary="Rows as the model was tested on")
    def sample() -> Response:
        return _json({"rows": service.version().sample})


def _add_journal_routes(app: FastAPI, service: Service) -> None:
    @app.get("/predictions/{id}", summary="One answer, with the truth if it came")
    def prediction(id: str) -> Response:
        found = service.find(id)
        if found is None:
            raise Refusal(404, f"No prediction has the id {id[:60]!r}.")
        told = msgspec.to_builtins(found.prediction)
        truth = None if found.truth is None else found.truth.truth
        return _json({**told, "truth": truth, "truths": msgspec.to_builtins(found.truths)})

    @app.post("/feedback", summary="What turned out to be true")
    async def feedback(request: Request) -> Response:
        source, label = request.scope["caller"].source, service.expected_label
        invalid_status = service.project.api.invalid_status
        try:
            body = await service.bodies.read(request.scope, request.receive)
            if len(body) > LARGE_BODY_BYTES:
                task = FeedbackTask(source, label, service.is_away, invalid_status)
                reply, told = await service.bulk.ask(task, body)
                return Response(bytes(told), reply.status, _headers(reply.headers), media_type="application/json")
            journal = None if service.is_away else service.storage.journal
            places = FeedbackPlaces(journal, service.settings.spool, service.writer)
            return _json(await run_in_threadpool(lambda: give_feedback(places, read_json(body), source, label)))
        except Disconnected:
            return Response(status_code=499)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            raise Refusal(invalid_status, refusal.detail) from refusal


def _form(route: LiveRoute) -> str:
    methods = ["GET"] if route.get is not None else []
    return f"{' and '.join([*methods, 'POST'] if route.predicts else methods)}, the project's own form"


def _headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in headers}


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    # Not FastAPI's own: one way of writing JSON for the whole service.
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")
