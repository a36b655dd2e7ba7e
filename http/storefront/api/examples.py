"""Examples of the operations that a client begins with, by the operation's name. Tests decode each with the operation's own types.

Only what the types can't show by themselves: which values go together.
"""

from typing import Any

_ANA = {
    "id": "usr_1k0rw2",
    "name": "Ana",
    "email": "ana@example.com",
    "role": "viewer",
    "verified": True,
    "email_verified": False,
}
_SIGNED_IN = {"token": "ls_9fGq…", "expires_ts": 1_767_225_600_000, "user": _ANA}
_PRODUCT = {
    "id": "prd_1k0rw3",
    "title": "Halden 35",
    "description": "Rangefinder of 1971, serviced.",
    "price": 9_900,
    "currency": "USD",
    "images": ["/media/generated/camera/halden-35.svg"],
    "category": "cameras",
    "seller": "usr_1k0rw1",
    "variants": [{"id": "var_1", "sku": "H35-B", "color": "black", "size": "", "stock": 2, "price": 9_900}],
    "archived": False,
}
_SHOW = {
    "id": "show_1k0rw4",
    "title": "Cameras tonight",
    "description": "",
    "host": {"id": "usr_1k0rw1", "name": "Hanna"},
    "status": "live",
    "currency": "USD",
    "picture": "",
    "scheduled_ts": None,
    "started_ts": 1_764_000_000_000,
    "ended_ts": None,
    "viewers": 412,
    "requires_card": False,
    "stage": [
        {"id": "usr_1k0rw1", "name": "Hanna", "sources": ["camera", "microphone"], "since_ts": 1_764_000_001_000}
    ],
}  # fmt: skip

BODIES: dict[str, Any] = {
    "register": {"name": "Ana", "email": "ana@example.com", "password": "ferry-lantern-oak"},
    "login": {"email": "ana@example.com", "password": "ferry-lantern-oak"},
    "create_livestream": {"title": "Cameras tonight", "currency": "USD", "scheduled_ts": 1_764_000_000_000},
    "create_product": {
        "title": "Halden 35",
        "price": 9_900,
        "currency": "USD",
        "category": "cameras",
        "variants": [{"sku": "H35-B", "color": "black", "stock": 2}],
    },
    "add_lot": {"title": "Halden 35", "start": 1_000, "reserve": 5_000},
    "highlight": {"product": "prd_1k0rw3", "units": 10, "limit": 2},
    "livekit_token": {"show": "show_1k0rw4"},
    "checkout_session": {"order": "ord_1k0rw5", "saved_card": True},
    "refund_order": {"amount": 2_500, "reason": "The strap was missing."},
}

ANSWERS: dict[str, Any] = {
    "register": _SIGNED_IN,
    "login": _SIGNED_IN,
    "me": _ANA,
    "one_product": _PRODUCT,
    "create_product": _PRODUCT,
    "products": {"items": [_PRODUCT], "next": "WyJ0cyIsMTJd"},
    "one_livestream": _SHOW,
    "livestreams": {"items": [_SHOW], "next": None},
    "livestream_events": {
        "items": [
            {
                "type": "chat:new",
                "seq": 41,
                "ts": 1_764_000_002_000,
                "payload": {
                    "id": "m41",
                    "user": {"id": "usr_1k0rw2", "name": "Ana"},
                    "message": "Does it come with the strap?",
                    "ts": 1_764_000_002_000,
                },
            }
        ],
        "next": "41",
    },
    "start_livestream": {"seq": 7, "ts": 1_764_000_000_000, "result": {"status": "live"}},
    "livekit_token": {
        "url": "wss://video.example",
        "token": "eyJhbGciOi…",
        "expires_ts": 1_764_000_600_000,
        "canPublish": False,
    },
}
