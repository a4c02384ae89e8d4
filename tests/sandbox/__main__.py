"""`python -m tests.sandbox`: our PSPs and the mailbox as one process, until SIGTERM or Ctrl-C."""

import argparse
import logging
import signal
import threading
from pathlib import Path
from types import FrameType

from werkzeug.serving import WSGIRequestHandler, make_server

from tests.sandbox.app import create_app
from tests.sandbox.mailbox import mail_server
from tests.sandbox.stripe.sessions import lapse
from tests.sandbox.world import World

HOST = "127.0.0.1"


class Quiet(WSGIRequestHandler):
    """One line a call only when asked for, and none for a connection that we hung up ourselves."""

    def connection_dropped(self, error: BaseException, context: dict[str, object] | None = None) -> None:
        pass


def main() -> None:
    options = _options()
    if not options.verbose:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = create_app(options.state, url=f"http://{HOST}:{options.port}", shop_url=options.shop_url)
    world: World = app.extensions["sandbox"]
    web = make_server(HOST, options.port, app, threaded=True, request_handler=Quiet)
    mail = mail_server(world.books, options.smtp_port)
    over = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        over.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    mail.start()
    world.courier.start()
    threading.Thread(target=web.serve_forever, daemon=True).start()
    print(f"sandbox ready on http://{HOST}:{options.port}/", flush=True)
    while not over.wait(1.0):
        lapse(world)
    web.shutdown()
    mail.stop()
    world.courier.stop()
    world.books.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder of the books")
    parser.add_argument("--shop-url", default="http://localhost:8000")
    parser.add_argument("--verbose", action="store_true", help="one line for every call")
    return parser.parse_args()


if __name__ == "__main__":
    main()
