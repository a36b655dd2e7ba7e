"""Makes the show that is put under load, through the API, as a host would. Starting it is the host user's first act."""

import http.client
import json

from loadtests.loopback import Target

TIMEOUT_S = 10


class NoShow(Exception):
    """The server did not make a show; the message is its own."""


def new_show(target: Target, host_token: str, title: str = "Load test") -> str:
    """A planned show of that host; its id. Raises NoShow, or OSError when nobody answers."""
    # http.client, unlike requests and urllib, never goes through a proxy that the environment names.
    connection = http.client.HTTPConnection(target.address, target.port, timeout=TIMEOUT_S)
    try:
        connection.request(
            "POST",
            "/api/v1/seller/livestreams",
            json.dumps({"title": title, "currency": "USD"}),
            {"content-type": "application/json", "authorization": f"Bearer {host_token}"},
        )
        response = connection.getresponse()
        said = response.read().decode(errors="replace")
    except http.client.HTTPException as error:
        raise NoShow(f"The server at {target.origin} did not answer in HTTP: {error!r}") from error
    finally:
        connection.close()
    if response.status >= 300:
        raise NoShow(f"The server made no show: {response.status} {said[:300]}")
    return str(json.loads(said)["id"])
