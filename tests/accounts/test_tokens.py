"""What a token of the embedding app must be: one row, one abuse. Signatures are made by hand where libraries refuse to."""

import base64
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from liveserver.accounts.model import Identity
from liveserver.accounts.tokens import LEEWAY_MS, ExternalTokens, external_id
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import is_id

SECRET = "a secret of the embedding application, 48 bytes."
NOW_S = 1_700_000_000
NOW_MS = NOW_S * 1000
GOOD: dict[str, Any] = {"sub": "42", "name": "Ana", "exp": NOW_S + 3600}


def signed(claims: dict[str, Any], secret: str = SECRET, **header: Any) -> str:
    return jwt.encode(claims, secret, algorithm="HS256", headers=header or None)


def by_hand(
    header: dict[str, Any] | bytes, payload: bytes, secret: str = SECRET, digest: str = "sha256"
) -> str:
    def b64(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    body = f"{b64(head)}.{b64(payload)}"
    return f"{body}.{b64(hmac.new(secret.encode(), body.encode(), digest).digest())}"


def verify(token: str, audience: str = "", secret: str = SECRET) -> Identity | Rejected:
    return ExternalTokens(secret, audience, verified_by_default=True).verify(token, NOW_MS)


def test_a_good_token_names_somebody():
    assert verify(signed(GOOD)) == Identity(
        "ext:42", "Ana", "viewer", True, "", NOW_MS + 3_600_000 + LEEWAY_MS
    )
    assert verify(signed({**GOOD, "role": "host"})).role == "host"
    assert verify(signed({**GOOD, "role": "admin", "verified": False})).verified is False


def test_by_hand_makes_tokens_that_are_accepted():
    assert isinstance(verify(by_hand({"alg": "HS256", "typ": "JWT"}, json.dumps(GOOD).encode())), Identity)


def _rsa_pair() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


GOOD_JSON = json.dumps(GOOD).encode()
ABUSES: dict[str, str] = {
    "empty": "",
    "two dots": "..",
    "no JSON": by_hand(b"{", GOOD_JSON),
    "header is a list": by_hand(b"[]", GOOD_JSON),
    "not ASCII": signed(GOOD) + "é",
    "too long": signed({**GOOD, "pad": "x" * 5000}),
    "alg none, no signature": by_hand({"alg": "none"}, GOOD_JSON).rsplit(".", 1)[0] + ".",
    "alg none, signed": by_hand({"alg": "none"}, GOOD_JSON),
    "alg None": by_hand({"alg": "None"}, GOOD_JSON),
    "alg missing": by_hand({"typ": "JWT"}, GOOD_JSON),
    "alg list": by_hand({"alg": ["HS256"]}, GOOD_JSON),
    "alg HS512": by_hand({"alg": "HS512"}, GOOD_JSON, SECRET, "sha512"),
    "alg RS256 over an HMAC": by_hand({"alg": "RS256"}, GOOD_JSON),
    "really RS256": jwt.encode(GOOD, _rsa_pair()[0], algorithm="RS256"),
    "other secret": signed(GOOD, "another secret of another application"),
    "key inside the token": by_hand(
        {"alg": "HS256", "jwk": {"kty": "oct", "k": "AAAA"}}, GOOD_JSON, "\0\0\0"
    ),
    "signature cut": signed(GOOD)[:-4],
    "payload changed": signed(GOOD).replace(
        signed(GOOD).split(".")[1], signed({**GOOD, "role": "admin"}).split(".")[1]
    ),
    "critical extension": signed(GOOD, crit=["exp2"], exp2=1),
    "payload is a list": by_hand({"alg": "HS256"}, b"[]"),
    "no exp": signed({"sub": "42"}),
    "no sub": signed({"exp": GOOD["exp"]}),
    "exp null": by_hand({"alg": "HS256"}, b'{"sub":"42","exp":null}'),
    "exp text": by_hand({"alg": "HS256"}, b'{"sub":"42","exp":"1900000000"}'),
    "exp true": by_hand({"alg": "HS256"}, b'{"sub":"42","exp":true}'),
    "exp NaN": by_hand({"alg": "HS256"}, b'{"sub":"42","exp":NaN}'),
    "exp Infinity": by_hand({"alg": "HS256"}, b'{"sub":"42","exp":Infinity}'),
    "exp negative": signed({**GOOD, "exp": -1}),
    "exp beyond sense": signed({**GOOD, "exp": 10**15}),
    "exp of 3,000 digits": by_hand({"alg": "HS256"}, b'{"sub":"42","exp":1' + b"0" * 2_900 + b"}"),
    "not yet": signed({**GOOD, "nbf": NOW_S + 120}),
    "from the future": signed({**GOOD, "iat": NOW_S + 120}),
    "sub number": by_hand({"alg": "HS256"}, b'{"sub":42,"exp":1900000000}'),
    "sub empty": signed({**GOOD, "sub": ""}),
    "sub long": signed({**GOOD, "sub": "x" * 257}),
    "role unknown": signed({**GOOD, "role": "root"}),
    "role list": signed({**GOOD, "role": ["admin"]}),
    "name number": signed({**GOOD, "name": 7}),
    "verified text": signed({**GOOD, "verified": "yes"}),
    "brackets without end": by_hand({"alg": "HS256"}, b'{"a":' + b"[" * 2_500),
}


@pytest.mark.parametrize("abuse", ABUSES)
def test_abuses(abuse: str):
    refused = verify(ABUSES[abuse])
    assert isinstance(refused, Rejected), f"{abuse} was let in"
    assert refused.code == "bad_token"


def test_a_public_key_as_secret_lets_no_rsa_token_in():
    private, public = _rsa_pair()
    refused = verify(jwt.encode(GOOD, private, algorithm="RS256"), secret=public)
    assert isinstance(refused, Rejected)
    forged = verify(by_hand({"alg": "HS256"}, GOOD_JSON, public), secret=public)
    assert isinstance(forged, Rejected), "HS256 signed with a public key, which everybody has"


def test_without_a_secret_no_token_is_accepted():
    empty = by_hand({"alg": "HS256"}, GOOD_JSON, "")
    for token in (signed(GOOD), empty):
        assert isinstance(verify(token, secret=""), Rejected)


@pytest.mark.parametrize(
    ("claim", "accepted"),
    [("show.example", True), (["other", "show.example"], True), ("other", False), ([], False), (None, False), (7, False)],
)  # fmt: skip
def test_audience(claim: Any, accepted: bool):
    claims = GOOD if claim is None else {**GOOD, "aud": claim}
    token = by_hand({"alg": "HS256"}, json.dumps(claims).encode())
    assert isinstance(verify(token, audience="show.example"), Identity) is accepted
    assert isinstance(verify(token), Identity), "without an audience configured it is not looked at"


@pytest.mark.parametrize(("seconds", "code"), [(-29, None), (-30, "token_expired"), (-3600, "token_expired")])
def test_expiry_has_a_small_leeway(seconds: int, code: str | None):
    found = verify(signed({**GOOD, "exp": NOW_S + seconds}))
    assert (found.code if isinstance(found, Rejected) else None) == code
    if isinstance(found, Identity):
        assert found.expires_ts > NOW_MS, "an identity that is over when it begins helps nobody"


def test_bidding_needs_approval_where_the_server_says_so():
    strict = ExternalTokens(SECRET, "", verified_by_default=False)
    assert strict.verify(signed(GOOD), NOW_MS).verified is False
    assert strict.verify(signed({**GOOD, "verified": True}), NOW_MS).verified is True


def test_ids_of_the_embedding_app_are_ids_here_and_never_shared():
    subjects = [
        "42",
        "ana@example.com",
        "auth0|5f7c",
        "{braces}",
        "x" * 36,
        "x" * 37,
        "x" * 256,
        "日本",
        "a b",
        "h.0",
    ]
    subjects.append(external_id("auth0|5f7c").removeprefix("ext:"))  # chosen to meet another's hash
    ids = [external_id(subject) for subject in subjects]
    assert all(is_id(user) and user.startswith("ext:") for user in ids)
    assert len(set(ids)) == len(subjects)
    assert external_id("42") == "ext:42"
