"""FastAPI's routes and the version in use in, OpenAPI out: what predicts is described by the live schema."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from slipway.serve.live.route import LiveRoute
from slipway.serve.live.version import Live
from slipway.serve.service import Service

_LABEL = {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}, {"type": "null"}]}
_ID = {"type": "string"}
_PROBABILITIES = {"anyOf": [{"type": "object", "additionalProperties": {"type": "number"}}, {"type": "null"}]}
_ONE = {"id": _ID, "prediction": _LABEL, "probabilities": _PROBABILITIES}
_TRUTH = {
    "type": "object",
    "properties": {
        "id": {**_ID, "minLength": 1},
        "truth": {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]},
        "correct": {"type": "boolean", "default": False},
    },
    "required": ["id", "truth"],
    "additionalProperties": False,
}
_STATE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "/health": ("Live, ready, and what the service depends on", "application/json", {"type": "object"}),
    "/metrics": ("For Prometheus", "text/plain", {"type": "string"}),
}
_REFUSALS = {
    400: "The body is not JSON, or is nested too deeply.",
    403: "A page of another site asks, or the token has another scope.",
    413: "The body is larger than 16 MB, or has more than 100,000 rows.",
    503: "Nothing is released, too much waits, or the journal can't be written.",
}
_TRUTHS_REFUSED = {
    400: _REFUSALS[400],
    403: _REFUSALS[403],
    404: "No prediction has one of the ids.",
    409: "Another truth is kept of it, and this one does not say that it corrects.",
    413: "The body is larger than 16 MB.",
    503: "The journal can't be written.",
}


def openapi(app: FastAPI, service: Service) -> dict[str, Any]:
    """The document of this moment: the schema changes with the version in use."""
    live = service.live.state.live
    document = get_openapi(title=app.title, version=str(live.version if live else 0), routes=app.routes)
    components = document.setdefault("components", {}).setdefault("schemas", {})
    components["Row"] = _row(live)
    components["Prediction"] = {"type": "object", "properties": _ONE}
    for path, (summary, media, schema) in _STATE.items():
        document["paths"][path] = {"get": _told(summary, media, schema)}
    for path, route in service.paths.own().items():
        operations = document["paths"].get(path, {}) if not route.predicts else {"post": _operation(route, components)}
        if route.get is not None:
            operations["get"] = _telling(route.get, components)
        document["paths"][path] = operations
    if service.access.asks_for_tokens:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    _describe_journal(document["paths"], service.project.api.invalid_status)
    return document


def _describe_journal(paths: dict[str, Any], invalid_status: int) -> None:
    truth = {"anyOf": [_TRUTH, {"type": "array", "items": _TRUTH}]}
    feedback, prediction = paths["/feedback"]["post"], paths["/predictions/{id}"]["get"]
    feedback["requestBody"] = _body(truth)
    feedback["responses"] |= _refused({**_TRUTHS_REFUSED, invalid_status: "No truth, or not of the target's type."})
    prediction["responses"] = {"200": prediction["responses"]["200"], **_refused({404: "No prediction has this id."})}


def _row(live: Live | None) -> dict[str, Any]:
    if live is None:
        return {"type": "object"}
    bundle = live.scorer.bundle
    schema, names = dict(bundle.schema.json_schema()), {*bundle.schema.names} - {bundle.manifest.target}
    # What is taken and not used, the target among it, would only be in the way of somebody who writes a body.
    schema["properties"] = {name: form for name, form in schema["properties"].items() if name in names}
    if live.sample:
        schema["example"] = {k: v for k, v in live.sample[0].items() if k in names}
    return schema


def _columns(row: Mapping[str, Any]) -> dict[str, Any]:
    lists = {name: {"type": "array", "items": items} for name, items in row.get("properties", {}).items()}
    fields = {"properties": lists, **{key: row[key] for key in ("required", "additionalProperties") if key in row}}
    return {"type": "object", **fields, "description": "Columns: lists of values, each as long as the others."}


def _operation(route: LiveRoute, components: dict[str, Any]) -> dict[str, Any]:
    row = {"$ref": "#/components/schemas/Row"}
    columns = _columns(components["Row"])
    asked: dict[str, Any] = {"anyOf": [row, {"type": "array", "items": row}, columns]}
    one = {"type": "object", "properties": {**_ONE, "version": {"type": "integer"}}}
    many = {
        "type": "object",
        "properties": {
            "predictions": {"type": "array", "items": {"$ref": "#/components/schemas/Prediction"}},
            "version": {"type": "integer"},
        },
    }
    answered: dict[str, Any] = {"anyOf": [one, many]}
    if route.request is not None:
        asked = _annotated(_first_parameter(route.request), components)
    if route.example is not None:
        asked = {**asked, "example": route.example}
    if route.response is not None:
        answered = _annotated(inspect.signature(route.response).return_annotation, components)
    refusals = {**_REFUSALS, route.invalid_status: "The body is not what it has to be; `detail` says where."}
    summary = next((inspect.getdoc(f) for f in (route.request, route.response) if f and inspect.getdoc(f)), None)
    return {
        "summary": (summary or "Predict").splitlines()[0],
        "requestBody": _body(asked),
        "responses": {
            "200": {"description": "Predicted, and journalled.", "content": {"application/json": {"schema": answered}}},
            **_refused(refusals),
        },
    }


def _telling(function: Callable[..., Any], components: dict[str, Any]) -> dict[str, Any]:
    schema = _annotated(inspect.signature(function).return_annotation, components)
    summary = inspect.getdoc(function) or function.__name__
    return _told(summary.splitlines()[0], "application/json", schema)


def _told(summary: str, media: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": {"description": summary, "content": {media: {"schema": schema}}}}}


def _refused(reasons: Mapping[int, str]) -> dict[str, Any]:
    return {str(status): {"description": text} for status, text in sorted(reasons.items())}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _first_parameter(function: Callable[..., Any]) -> Any:
    return next((p.annotation for p in inspect.signature(function).parameters.values()), inspect.Parameter.empty)


def _annotated(annotation: Any, components: dict[str, Any]) -> dict[str, Any]:
    """An annotation as JSON Schema; anything, where there is none or JSON has no form for it."""
    if annotation is inspect.Parameter.empty or isinstance(annotation, str):
        return {}
    try:
        (schema,), found = msgspec.json.schema_components([annotation], ref_template="#/components/schemas/{name}")
    except TypeError:
        return {}
    components.update(found)
    return dict(schema)
