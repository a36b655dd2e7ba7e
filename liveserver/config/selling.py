"""Settings of all that follows from selling: payments, carts, orders of shows, mails and jobs, video. One section a class, as in `settings`."""

from dataclasses import dataclass

from liveserver.config.fields import setting


@dataclass(frozen=True, kw_only=True)
class PaymentSettings:
    """Payments: the payment provider, what is kept of a sale, how long people have to pay."""

    stripe_secret_key: str = setting(
        "",
        "Stripe's secret key (sk_…); empty: the built-in test provider, which moves no money and says so everywhere.",
        secret=True,
    )
    stripe_publishable_key: str = setting(
        "", "Stripe's publishable key (pk_…), which pages need to take cards."
    )
    stripe_webhook_secret: str = setting(
        "", "The secret (whsec_…) that Stripe signs its events to /api/v1/webhooks/stripe with.", secret=True
    )
    stripe_api_url: str = setting(
        "https://api.stripe.com", "Where Stripe's API is; another address for tests only.", form="url"
    )
    commission_bp: int = setting(
        800,
        "Commission on the goods of a sale, where a seller or category has no rate of its own.",
        unit="basis points",
        low=0,
        high=10_000,
    )
    processing_bp: int = setting(
        290, "Processing fee on all that the card is charged.", unit="basis points", low=0, high=10_000
    )
    processing_fixed: int = setting(
        30, "Processing fee on each payment, besides.", unit="minor units", low=0, high=1_000_000
    )
    processing_fixed_by_currency: tuple[str, ...] = setting(
        (), "The same where a currency has its own, in its minor units: JPY=40,KWD=100."
    )
    payout_min: int = setting(
        100, "Least that a seller may have paid out at once.", unit="minor units", low=1, high=1_000_000_000
    )
    payment_window_hours: int = setting(
        48,
        "Time to pay for what was won or claimed in a show; then the order is cancelled and counts as a strike.",
        unit="h",
        low=1,
        high=720,
    )
    charge_retries: int = setting(
        2,
        "How often a winner's declined card is charged again by itself, while there is time to pay.",
        low=0,
        high=10,
    )
    charge_retry_hours: int = setting(
        6, "Pause before a winner's declined card is charged again.", unit="h", low=1, high=240
    )


@dataclass(frozen=True, kw_only=True)
class CartSettings:
    """Carts: what is added to the price of goods."""

    tax_rates: tuple[str, ...] = setting(
        (),
        "Taxes on top of goods and postage, by country or country and region, in basis points: DE=1900:VAT,US-CA=725:Sales tax.",
    )


@dataclass(frozen=True, kw_only=True)
class SalesSettings:
    """Sales: who may bid and buy in shows, by what they have not paid."""

    strikes_max: int = setting(
        3,
        "As many wins or claims not paid in time, and nobody bids or buys in shows any more; 0: never.",
        low=0,
        high=1_000,
    )
    strikes_days: int = setting(
        90, "How long a win that was not paid counts.", unit="days", low=1, high=3_650
    )
    unpaid_orders_max: int = setting(
        50,
        "Orders that one person may have open to pay and still bid; 0: any number.",
        low=0,
        high=100_000,
    )
    unpaid_total_max: int = setting(
        0,
        "What one person may owe with a bid, in minor units of the show's currency; 0: any amount.",
        unit="minor units",
        low=0,
        high=1_000_000_000_000,
    )


@dataclass(frozen=True, kw_only=True)
class MailSettings:
    """Mail and jobs: where mails go, and how much is done at a time."""

    smtp_url: str = setting(
        "",
        "Mail server: smtps://user:password@host, smtp+starttls://user:password@host or smtp://host; empty: mails are printed to the log.",
        form="smtp",
        secret=True,
    )
    mail_from: str = setting(
        "",
        "Who mails come from, such as Shop <shop@example.com>; empty: no-reply at the public address's host.",
        form="mailbox",
    )
    jobs_at_once: int = setting(
        8, "Jobs (mails, charges, refunds) that run at the same time in one process.", low=2, high=100
    )


@dataclass(frozen=True, kw_only=True)
class LiveKitSettings:
    """Video: the LiveKit server that carries pictures and sound."""

    livekit_url: str = setting(
        "", "Where browsers reach the LiveKit server (wss://…); empty: this server has no video.", form="url"
    )
    livekit_api_key: str = setting("", "The key that LiveKit knows us by.")
    livekit_api_secret: str = setting(
        "",
        "Its secret, which signs people's tokens and the messages to /api/v1/webhooks/livekit.",
        secret=True,
    )
    livekit_guests: bool = setting(False, "Lets people watch video who have not signed in.")
    livekit_token_minutes: int = setting(
        10,
        "How long a token opens a connection to LiveKit; one that is open stays.",
        unit="min",
        low=1,
        high=1_440,
    )
