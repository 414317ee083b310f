"""What one question may cost, and what it has cost so far."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from hopcite.errors import BudgetExhausted


class Budget:
    """Ceilings for one request. A call is reserved before it is made, and charged when its cost is known.

    The one mutable object of a request: it is shared by every node and every call that the request makes, also by
    calls that are made at once, so those that are reserved count as spent until they are charged.
    `None` means no ceiling. Times are seconds; the clock starts when the budget is made, and a reply that evaluation
    takes from its cache counts with the seconds that it took when it was made (`saved_s`).
    """

    def __init__(
        self, *, max_llm_calls: int | None = None, max_tokens: int | None = None, deadline_s: float | None = None
    ) -> None:
        self.max_llm_calls = max_llm_calls
        self.max_tokens = max_tokens
        self.deadline_s = deadline_s
        self.llm_calls = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.saved_s = 0.0
        self._started = time.monotonic()
        self.parent: Budget | None = None
        self.whole: Budget = self
        self.reserved = 0
        """Calls that this part alone may make, of those that the whole has promised and nobody has charged yet."""
        self.promised = 0
        self._kept = 0

    @property
    def elapsed_s(self) -> float:
        """Seconds since the request began."""
        return time.monotonic() - self._started + self.saved_s

    @property
    def remaining_s(self) -> float:
        """Seconds left; infinite without a deadline, never below 0."""
        return float("inf") if self.deadline_s is None else max(0.0, self.deadline_s - self.elapsed_s)

    @property
    def remaining_calls(self) -> float:
        """Model calls left, beside those that others have reserved; infinite without a ceiling."""
        if self.parent is not None:
            return max(0, self.parent.remaining_calls - self._kept) + self.reserved
        if self.max_llm_calls is None:
            return float("inf")
        return max(0, self.max_llm_calls - self.llm_calls - self.promised)

    @property
    def remaining_tokens(self) -> float:
        """Tokens left, of prompts and replies; infinite without a ceiling, never below 0."""
        if self.max_tokens is None:
            return float("inf")
        return max(0, self.max_tokens - self.prompt_tokens - self.completion_tokens)

    def within(self, seconds: float, *, keep_calls: int = 0, keep_tokens: int = 0) -> Budget:
        """A budget that ends after `seconds`, or with this one if that is sooner. This one pays what it is charged.

        The part leaves `keep_calls` of this one's calls and `keep_tokens` of its tokens unspent.
        """
        calls = None if self.max_llm_calls is None else self.max_llm_calls - keep_calls
        tokens = None if self.max_tokens is None else self.max_tokens - keep_tokens
        part = Budget(max_llm_calls=calls, max_tokens=tokens)
        part.parent, part.whole, part._kept = self, self.whole, keep_calls
        part.deadline_s = min(seconds, self.remaining_s)
        if part.deadline_s == float("inf"):
            part.deadline_s = None
        part.llm_calls, part.prompt_tokens, part.completion_tokens = (
            self.llm_calls,
            self.prompt_tokens,
            self.completion_tokens,
        )
        return part

    @contextmanager
    def reserve(self, calls: int = 1) -> Iterator[Budget]:
        """A part to make so many calls with, which nobody else can have meanwhile. What is not charged is given back.

        Calls reserved within the part are taken from its own. Raises `BudgetExhausted` when there are not that many.
        """
        self.check(calls)
        part = self.within(float("inf"))
        self.settle(calls)
        part.reserved = calls
        self.whole.promised += calls
        try:
            yield part
        finally:
            part.settle(part.reserved)

    def settle(self, calls: int) -> None:
        """Take calls off what is reserved: by this part first, then by those that it is a part of."""
        settled = min(calls, self.reserved)
        self.reserved -= settled
        self.whole.promised -= settled
        if self.parent is not None:
            self.parent.settle(calls - settled)

    def check(self, calls: int = 1, *, tokens: int = 1) -> None:
        """Raise `BudgetExhausted` when no further model call, or not so many, of so many tokens, may start."""
        if self.remaining_calls < calls:
            what = "are spent or under way" if self.whole.promised else "are spent"
            if calls > 1:
                what = f"leave {self.remaining_calls:.0f} where {calls} are needed"
            raise BudgetExhausted(f"The request's {self.max_llm_calls} model calls {what}; raise --max-llm-calls.")
        if self.parent is not None:  # other parts may have charged it since
            self.parent.check(0)
        if self.remaining_tokens < tokens:
            what = f"leave {self.remaining_tokens:.0f} where {tokens} are needed" if tokens > 1 else "are spent"
            raise BudgetExhausted(f"The request's {self.max_tokens} tokens {what}; raise its max_tokens.")
        if self.remaining_s <= 0:
            raise BudgetExhausted(f"The request's {self.deadline_s} seconds are spent; raise --deadline.")

    def charge(
        self, *, calls: int = 1, prompt_tokens: int = 0, completion_tokens: int = 0, saved_s: float = 0.0
    ) -> None:
        """Add what a call cost, also when it failed."""
        self.settle(calls)
        payer: Budget | None = self
        while payer is not None:
            payer.llm_calls += calls
            payer.prompt_tokens += prompt_tokens
            payer.completion_tokens += completion_tokens
            payer.saved_s += saved_s
            payer = payer.parent
