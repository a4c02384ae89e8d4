"""PSPs that do not answer, or badly: for the next calls whose path matches."""

import socket
import time
from fnmatch import fnmatch
from typing import Literal, get_args

from flask import Flask, Response, g, jsonify, request

from tests.sandbox.books import Document
from tests.sandbox.names import paypal_id
from tests.sandbox.world import World

# before the call does anything: down, silent (nothing is ever answered), 500, 429, html; around it: slow;
# after its effect: lost, late_500; without any effect, and so again for the same idempotency key: kept_500
Kind = Literal["down", "silent", "500", "429", "html", "slow", "lost", "late_500", "kept_500"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NAMES: dict[Kind, str] = {  # on the control page
    "down": "coupe la connexion",
    "silent": "se tait",
    "500": "répond 500",
    "429": "répond 429 (trop d’appels)",
    "html": "répond en HTML",
    "slow": "est lent",
    "lost": "agit, mais sa réponse se perd",
    "late_500": "agit, mais répond 500",
    "kept_500": "n’agit pas, répond 500 et s’y tient",
}
IN_PROCESS = "sandbox.unanswered"  # in the environment of a call without a network: the faults that ate its answer
SILENCE = 60.0  # seconds that a silent PSP keeps the connection, unless it is told otherwise


def set_fault(world: World, fault: Kind, *, path: str, method: str, calls: int, seconds: float) -> None:
    """The next `calls` calls to `path` (a pattern such as /stripe/v1/*) meet this fault."""
    if fault not in KINDS:
        raise ValueError(f"no such fault: {fault}")
    id = f"f{paypal_id(8)}"
    world.books.put(
        "fault",
        id,
        {"id": id, "fault": fault, "path": path, "method": method, "calls": calls, "seconds": seconds},
    )


def pause() -> None:
    """Where a slow call spends its time: its idempotency key is in use, the books are free."""
    if seconds := g.pop("slow", 0.0):
        time.sleep(seconds)


def broke() -> bool:
    """Whether the present call fails once it has begun: a key then keeps the failure, and replays it."""
    return g.get("fault") in ("late_500", "kept_500")


def has_effect() -> bool:
    """Whether the present call does what it was asked for, whatever it answers."""
    return bool(g.get("fault") != "kept_500")


def install(app: Flask, world: World) -> None:
    @app.before_request
    def meet() -> Response | None:
        if not _is_api(request.path):
            return None
        fault = _next(world, request.path, request.method)
        if fault is None:
            return None
        # Only Stripe keeps a failure under the key of a call.
        plain = fault["fault"] == "kept_500" and not request.path.startswith("/stripe")
        g.fault = "500" if plain else fault["fault"]
        if g.fault == "slow":
            g.slow = fault["seconds"]
        if g.fault == "silent" and not _in_process():
            time.sleep(fault["seconds"] or SILENCE)
        return _refusal(g.fault)

    @app.after_request
    def spoil(response: Response) -> Response:
        pause()
        fault = g.get("fault")
        if fault in ("down", "silent", "lost"):
            _hang_up(fault)
        if broke():
            return _error(500)
        return response


def _is_api(path: str) -> bool:
    return path.startswith(("/stripe/v1", "/paypal/v1", "/paypal/v2"))


def _next(world: World, path: str, method: str) -> Document | None:
    with world.books.turn():
        for fault in world.books.all("fault"):
            if fnmatch(path, fault["path"]) and fault["method"] in ("*", method):
                if fault["calls"] > 1:
                    world.books.put("fault", fault["id"], fault | {"calls": fault["calls"] - 1})
                else:
                    world.books.forget("fault", fault["id"])
                return fault
    return None


def _refusal(fault: Kind) -> Response | None:
    if fault in ("down", "silent"):
        return Response(status=503)
    if fault in ("500", "429"):
        return _error(int(fault))
    if fault == "html":
        return Response("<!doctype html><title>502 Bad Gateway</title><h1>Bad Gateway</h1>", 502, mimetype="text/html")
    return None


def _error(status: int) -> Response:
    words = "The sandbox was told to fail."
    if request.path.startswith("/stripe"):
        code = {"code": "rate_limit"} if status == 429 else {}
        response = jsonify(error={"message": words, "type": "api_error", **code})
    else:
        name = "RATE_LIMIT_REACHED" if status == 429 else "INTERNAL_SERVER_ERROR"
        response = jsonify(name=name, message=words, debug_id="sandbox")
    response.status_code = status
    return response


def _in_process() -> bool:
    return IN_PROCESS in request.environ


def _hang_up(fault: Kind) -> None:
    """Close the connection without an answer; in process the caller is told why there is none."""
    if _in_process():
        request.environ[IN_PROCESS].append(fault)
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)
