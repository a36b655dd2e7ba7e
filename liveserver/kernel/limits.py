"""Rates that must not be exceeded, as a token bucket that costs two numbers and no timer.

What is limited, and how strictly, is configuration; who is limited is the caller's key.
"""


class TokenBucket:
    """Allows `rate` a second on average and `burst` at once; `rate` 0 or less means unlimited."""

    __slots__ = ("_at_ms", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: float, now_ms: int) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._at_ms = now_ms

    def take(self, now_ms: int, cost: float = 1.0) -> bool:
        """Takes `cost` tokens if they are there. `now_ms` is monotonic time."""
        if self.rate <= 0:
            return True
        tokens = self._tokens + (now_ms - self._at_ms) * self.rate / 1000.0
        self._at_ms = now_ms
        if tokens > self.burst:
            tokens = self.burst
        if tokens < cost:
            self._tokens = tokens
            return False
        self._tokens = tokens - cost
        return True

    def wait_ms(self, cost: float = 1.0) -> int:
        """How long until `cost` tokens will be there, in ms, as of the last `take`; 0 when they are."""
        if self.rate <= 0 or self._tokens >= cost:
            return 0
        return int((cost - self._tokens) * 1000.0 / self.rate) + 1
