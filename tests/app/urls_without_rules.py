"""A view that somebody forgot to give an access rule, for the test that it is not served."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

handler403 = "openasm.app.look.errors.forbidden"


def bare(request: HttpRequest) -> HttpResponse:
    """Says what nobody may read."""
    return HttpResponse("secret")


urlpatterns = [path("bare/", bare, name="bare"), path("", include("openasm.app.urls"))]
