"""`/auth`: accounts and sessions for API clients. Pages have forms and cookies instead (`web.account`).

No cookie is set here: a bearer token is only ever sent by who means it.
"""

from liveserver.accounts.model import Session, identity_of
from liveserver.kernel.errors import Rejected
from liveserver.kernel.ids import UserId
from storefront.api.documents import Person, SignedIn, person
from storefront.api.inputs import (
    Credentials,
    MailedToken,
    MailTo,
    NewPassword,
    PersonChanges,
    Registration,
)
from storefront.api.registry import EVERYBODY, SIGNED_IN, Call, operation
from storefront.problems import SIGN_IN_FIRST
from storefront.visitors import client_address

COOKIE_SESSION = Rejected(
    "cookie_session", "A page's session renews itself; a new token would sign its browser out."
)


@operation("POST", "/auth/register", tag="auth", who=EVERYBODY, status=201)
async def register(call: Call, body: Registration) -> SignedIn | Rejected:
    """Creates an account and signs in.

    An e-mail address has one account, so a repeated request can't create a second one: it is told `email_taken`. The answer
    holds a token and is therefore kept nowhere, not even under an Idempotency-Key.
    """
    accounts, address = call.services.accounts, client_address(call.request)
    made = await accounts.register(body.name, body.email, body.password, ip=address)
    if isinstance(made, Rejected):
        return made
    return _signed_in(await accounts.sign_in(body.email, body.password, address))


@operation("POST", "/auth/login", tag="auth", who=EVERYBODY)
async def login(call: Call, body: Credentials) -> SignedIn | Rejected:
    """Signs in: gives a token."""
    done = await call.services.accounts.sign_in(body.email, body.password, client_address(call.request))
    return _signed_in(done)


@operation("POST", "/auth/logout", tag="auth", who=SIGNED_IN)
async def logout(call: Call) -> None:
    """Ends the session. Its sockets close within a second."""
    await call.services.accounts.sign_out(call.visitor.token)


@operation("POST", "/auth/refresh", tag="auth", who=SIGNED_IN)
async def refresh(call: Call) -> SignedIn | Rejected:
    """Gives a new token for a session; the old one is good for nothing afterwards."""
    if call.visitor.via == "cookie":
        return COOKIE_SESSION
    done = await call.services.accounts.refresh(call.visitor.token)
    return SIGN_IN_FIRST if done is None else _signed_in(done)


@operation("POST", "/auth/verify-email", tag="auth", who=EVERYBODY)
async def verify_email(call: Call, body: MailedToken) -> Rejected | None:
    """Confirms an address with the token that a mail brought.

    Nobody has to be signed in. A token is good once, for 24 hours: else `link_expired`.
    """
    return await call.services.accounts.proofs.verify(body.token)


@operation("POST", "/auth/verify-email/resend", tag="auth", who=SIGNED_IN, problems=(404,))
async def resend_verification(call: Call) -> Rejected | None:
    """Sends another mail that confirms one's address."""
    proofs = call.services.accounts.proofs
    return await proofs.ask_verification(UserId(call.who.id), client_address(call.request))


@operation("POST", "/auth/password-reset", tag="auth", who=EVERYBODY)
async def ask_password_reset(call: Call, body: MailTo) -> Rejected | None:
    """Sends a mail with a link to a new password, if the address has an account.

    The answer is the same if it has none.
    """
    return await call.services.accounts.proofs.ask_reset(body.email, client_address(call.request))


@operation("POST", "/auth/password-reset/confirm", tag="auth", who=EVERYBODY)
async def reset_password(call: Call, body: NewPassword) -> Rejected | None:
    """Chooses a new password with the token that a mail brought, and ends all sessions of the account.

    A token is good once, for an hour: else `link_expired`. A refused password (`weak_password`) does not use it up.
    """
    return await call.services.accounts.proofs.reset(body.token, body.password)


@operation("GET", "/me", tag="me", who=SIGNED_IN)
async def me(call: Call) -> Person:
    """Oneself."""
    return person(call.who, await call.services.accounts.get(UserId(call.who.id)))


@operation("PATCH", "/me", tag="me", who=SIGNED_IN)
async def change_me(call: Call, body: PersonChanges) -> Person | Rejected:
    """Changes one's display name."""
    accounts, user = call.services.accounts, UserId(call.who.id)
    if isinstance(body.name, str):
        renamed = await accounts.rename(user, body.name)
        if isinstance(renamed, Rejected):
            return renamed
    return person(call.who, await accounts.get(user))


def _signed_in(done: tuple[Session, str] | Rejected) -> SignedIn | Rejected:
    if isinstance(done, Rejected):
        return done
    session, token = done
    who = identity_of(session.user, session.id, session.expires_ts)
    return SignedIn(token, session.expires_ts, person(who, session.user))
