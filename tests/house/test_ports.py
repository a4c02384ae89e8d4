"""The ports of a local run."""

import socket

from tests.ports import free_port_from, free_ports


def test_a_taken_port_gives_the_next_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port_from(port) > port


def test_a_free_port_is_taken_as_wanted() -> None:
    (port,) = free_ports(1)
    assert free_port_from(port) == port


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20
