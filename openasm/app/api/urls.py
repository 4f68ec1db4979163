"""Addresses of the interface: the operations behind their rules, the description, and a plain answer for everything else."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, re_path

from openasm.app.access.rules import everybody
from openasm.app.api.errors import NOT_FOUND, error_response
from openasm.app.api.guard import guarded
from openasm.app.api.operations import RULES, api

PREFIX = "api/v1/"


@everybody("the description of the interface holds no data")
def description(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document."""
    del request
    return JsonResponse(api.get_openapi_schema(path_prefix=f"/{PREFIX}"))


@everybody("says only that there is nothing here")
def nothing(request: HttpRequest) -> HttpResponse:
    """Every other address under /api/."""
    return error_response(request, NOT_FOUND)


nothing.csrf_exempt = True  # type: ignore[attr-defined]

_OPERATIONS = [
    URLPattern(each.pattern, guarded(each.callback, RULES[each.name]), each.default_args, each.name)
    for each in api.urls[0]
    if isinstance(each, URLPattern) and each.name in RULES
]


def _prefixed(each: URLPattern) -> URLPattern:
    return path(f"{PREFIX}{each.pattern}", each.callback, name=each.name)


urlpatterns = [
    path(f"{PREFIX}openapi.json", description, name="api_description"),
    *(_prefixed(each) for each in _OPERATIONS),
    re_path(r"^api/", nothing, name="api_nothing"),
]
