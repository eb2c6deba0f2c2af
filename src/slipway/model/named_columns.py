"""Columns that slipway.toml names, held against those that a request has."""

from collections.abc import Collection

from slipway.errors import ProjectError, near_miss
from slipway.project import Project


def check_named_columns(project: Project, asked: Collection[str], every: Collection[str]) -> None:
    """Refuse a column under `[model] slices`, `[api] personal` or `[api] journal` that is not there.

    A misspelt personal column would be journalled, and a misspelt slice never compared. Where a route has a form of its
    own, `personal` may name fields of that form, which only its function knows.

    Args:
        asked: the columns of a request, with the target.
        every: all columns of the tables that the model learns from.

    Raises:
        ProjectError: with the column that was meant.
    """
    has_own_form = any(route.request for route in project.api.routes)
    named = [("[model] slices", project.model.slices or (), asked)]
    if not has_own_form:
        named += [("[api] personal", project.api.personal, every), ("[api] journal", project.api.journal or (), every)]
    for key, columns, known in named:
        for column in columns:
            if column not in known:
                raise ProjectError(
                    f"slipway.toml: {key} names `{column}`, which is no column of a request.{near_miss(column, known)}"
                )
