"""The sliding window of listwise methods (RankGPT, arXiv 2304.09542, section 4.2): from the end of the list to its top.

Each window is reordered in place; the next one, half a window further up, takes the better half along. So the first
half window of the result is right if each window is, and the rest is nearly so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

WINDOW = 20


def window_starts(n: int, *, window: int = WINDOW) -> list[int]:
    """Where each window begins, last first: one for up to `window` candidates, and one more for each half window.

    The last window begins at 0 for every n, so that no size of list misses its head.
    """
    return [*range(max(n - window, 0), 0, -max(window // 2, 1)), 0]


async def climb(
    n: int, rank: Callable[[Sequence[int]], Awaitable[Sequence[int]]], *, window: int = WINDOW
) -> list[int]:
    """The order of n candidates, each window of them put in order by `rank`."""
    order = list(range(n))
    for start in window_starts(n, window=window):
        order[start : start + window] = await rank(tuple(order[start : start + window]))
    return order
