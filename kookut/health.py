"""Whether this process lives, and whether it can serve. A silent PSP is no reason to take the shop out of its proxy."""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from payments.health import report


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def payments(request: HttpRequest) -> HttpResponse:
    """How the lines from the PSPs are: 503 when a person should look. No reason to take the shop out of its proxy."""
    found = report()
    return JsonResponse(found, status=200 if found["healthy"] else 503)


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """200 when the database answers and has every migration, else 503."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return HttpResponse("database: no answer\n", status=503, content_type="text/plain")
    if missing:
        return HttpResponse(f"database: {len(missing)} migrations to run\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")
