"""The sliding window of listwise methods (RankGPT, arXiv 2304.09542, section 4.2): from the end of the list to its top.

Each window is reordered in place; the next one, half a window further up, takes the better half along. So the first
`window - step` places of the result are right if each window is, and the rest is nearly so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

WINDOW = 20
STEP = 10


def window_starts(n: int, *, window: int = WINDOW, step: int = STEP) -> list[int]:
    """Where each window begins, last first: one for up to `window` candidates, and one more for each further `step`.

    The last window begins at 0 for every n, so that no size of list misses its head.
    """
    return [*range(max(n - window, 0), 0, -step), 0]


async def climb(
    n: int,
    rank: Callable[[Sequence[int]], Awaitable[Sequence[int] | None]],
    *,
    window: int = WINDOW,
    step: int = STEP,
) -> list[int] | None:
    """The order of n candidates, each window of them put in order by `rank`. None as soon as `rank` returns that."""
    order = list(range(n))
    for start in window_starts(n, window=window, step=step):
        ranked = await rank(tuple(order[start : start + window]))
        if ranked is None:
            return None
        order[start : start + window] = ranked
    return order
