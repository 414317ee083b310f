"""What one question may cost, and what it has cost so far."""

from __future__ import annotations

import time

from hopcite.errors import BudgetExhausted


class Budget:
    """Ceilings for one request, checked before each model call and charged after it.

    The one mutable object of a request: it is shared by every node and every call that the request makes.
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
        self._parent: Budget | None = None

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
        """Model calls left; infinite without a ceiling."""
        return float("inf") if self.max_llm_calls is None else max(0, self.max_llm_calls - self.llm_calls)

    def within(self, seconds: float, *, keep_calls: int = 0) -> Budget:
        """A budget that ends after `seconds`, or with this one if that is sooner. This one pays what it is charged.

        The part leaves `keep_calls` of this one's calls unspent.
        """
        calls = None if self.max_llm_calls is None else self.max_llm_calls - keep_calls
        part = Budget(max_llm_calls=calls, max_tokens=self.max_tokens)
        part._parent = self
        part.deadline_s = min(seconds, self.remaining_s)
        if part.deadline_s == float("inf"):
            part.deadline_s = None
        part.llm_calls, part.prompt_tokens, part.completion_tokens = (
            self.llm_calls,
            self.prompt_tokens,
            self.completion_tokens,
        )
        return part

    def check(self) -> None:
        """Raise `BudgetExhausted` when no further model call may start."""
        if self.remaining_calls < 1:
            raise BudgetExhausted(f"The request's {self.max_llm_calls} model calls are spent; raise --max-llm-calls.")
        if self.max_tokens is not None and self.prompt_tokens + self.completion_tokens >= self.max_tokens:
            raise BudgetExhausted(f"The request's {self.max_tokens} tokens are spent; raise its max_tokens.")
        if self.remaining_s <= 0:
            raise BudgetExhausted(f"The request's {self.deadline_s} seconds are spent; raise --deadline.")
        if self._parent is not None:  # other parts may have charged it since
            self._parent.check()

    def charge(
        self, *, calls: int = 1, prompt_tokens: int = 0, completion_tokens: int = 0, saved_s: float = 0.0
    ) -> None:
        """Add what a call cost, also when it failed."""
        self.llm_calls += calls
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += completion_tokens
        self.saved_s += saved_s
        if self._parent is not None:
            self._parent.charge(
                calls=calls, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens, saved_s=saved_s
            )
