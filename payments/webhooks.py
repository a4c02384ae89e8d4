"""The doors for the PSPs' messages. The status is the protocol: 2xx ours now, 400 not from you, 5xx send it again."""

import logging

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments import inbox, tally
from payments.gateways.base import BadSignature, Unreachable

log = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def receive(request: HttpRequest, provider: str) -> HttpResponse:
    if request.headers.get("Content-Encoding", "identity") != "identity":
        return HttpResponse(status=415)
    try:
        outcome = inbox.receive(provider, request.body, request.headers)
    except BadSignature:
        tally.count(f"rejected-{provider}")
        return HttpResponse(status=400)
    except Unreachable:
        return HttpResponse(status=503)
    return HttpResponse(outcome, content_type="text/plain; charset=utf-8")
