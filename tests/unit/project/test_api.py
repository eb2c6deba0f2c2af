import pytest

from slipway.errors import ProjectError
from slipway.project.api import PATHS, read_api
from slipway.project.keys import Keys


def read(values):
    return read_api(Keys(values, "slipway.toml", "api"))


def test_one_status_for_the_whole_api_is_each_route_s_unless_it_has_its_own():
    own = {"/a": {"request": "f"}, "/b": {"request": "f", "invalid_status": 418}}
    api = read({"invalid_status": 400, "routes": own})
    assert [route.invalid_status for route in api.routes] == [400, 418]
    assert api.invalid_status == 400
    assert read({}).invalid_status == 422


def test_an_alias_stands_for_a_standard_path_or_a_route():
    api = read({"routes": {"/price": {"request": "f"}}, "aliases": {"/v1/price": "/price", "/status": "/health"}})
    assert api.aliases == {"/v1/price": "/price", "/status": "/health"}


def test_a_route_for_get_may_take_the_place_of_what_only_tells():
    (route,) = read({"routes": {"/health": {"get": "health"}}}).routes
    assert (route.get, route.request, route.partial) == ("health", None, False)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"invalid_status": 200}, "from 400 to 499"),
        ({"invalid_status": "400"}, "a whole number"),
        ({"aliases": {"/status": "/helth"}}, "Did you mean `/health`?"),
        ({"aliases": {"/predict": "/health"}}, "that the service has not yet"),
        ({"aliases": {"status": "/health"}}, "starts with /"),
        ({"routes": {"price": {}}}, "starts with /"),
        ({"routes": {"/metrics": {"get": "f"}}}, "another path: the service has this one itself"),
        ({"routes": {"/health": {"request": "f"}}}, "get = "),
        ({"routes": {"/feedback": {"request": "f"}}}, "another path"),
        ({"routes": {"/a": {"partial": 1}}}, "true or false"),
        ({"routes": {"/a": {"requst": "f"}}}, "Did you mean `request`?"),
    ],
)
def test_what_can_not_be_served_is_refused(values, said):
    with pytest.raises(ProjectError, match=r"slipway\.toml: \[api") as error:
        read(values)
    assert said in str(error.value)


def test_the_paths_that_projects_build_on_are_those_of_the_service(flats):
    from slipway.serve.routes import other_routes
    from slipway.serve.service import open_service

    service = open_service(flats.project, flats.settings, flats.storage)
    document = other_routes(service).openapi()
    service.stop()
    described = {path for path in document["paths"] if "{" not in path} - {r.path for r in flats.project.api.routes}
    assert described | {"/docs", "/openapi.json"} == set(PATHS)
