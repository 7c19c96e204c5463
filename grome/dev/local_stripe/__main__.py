"""Start the server: `python -m grome.dev.local_stripe --port P --state FILE --secret-key K`."""

import argparse

from grome.dev.local_stripe.server import Server
from grome.dev.local_stripe.state import Settings, State
from grome.dev.local_stripe.store import Store


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m grome.dev.local_stripe")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", required=True, help="a file, or :memory:")
    parser.add_argument("--secret-key", required=True)
    parser.add_argument("--webhook-url", default="", help="no delivery if empty")
    parser.add_argument("--webhook-secret", default="")
    given = parser.parse_args()
    settings = Settings(given.port, given.secret_key, given.webhook_url, given.webhook_secret)
    app = Server(State(Store(given.state), settings)).app()
    app.run(host="127.0.0.1", port=given.port, single_process=True, motd=False, access_log=False)


if __name__ == "__main__":
    main()
