"""Ports that nobody listens on."""

import errno
import socket
from contextlib import ExitStack


def free_ports(count: int) -> list[int]:
    """Different ports that were free a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def free_port_from(wanted: int) -> int:
    """The first free port from `wanted` on. Raises OSError when there is none among a hundred."""
    for port in range(wanted, wanted + 100):
        if _is_free(port):
            return port
    raise OSError(f"None of the ports {wanted} to {wanted + 99} is free.")


def _is_free(port: int) -> bool:
    # A server on ::1 or on every address takes "localhost" from us too.
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                one.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
    return True
