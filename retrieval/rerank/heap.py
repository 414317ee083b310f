"""The best k of a list by heap sort, where one comparison is a question to a model: pairwise and setwise methods."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from retrieval.rerank.parsing import completed

Best = Callable[[Sequence[int]], Awaitable[int]]
"""The best of a few candidates. The first of them is where the heap holds it now: a tie should leave it there."""


async def heap_top(n: int, k: int, *, children: int, best: Best) -> list[int]:
    """All n candidates: the best k in order, then the others in input order. Each node has so many `children`."""
    heap = list(range(n))
    for root in reversed(range(_inner(n, children))):
        await _sift(heap, root, children, best)
    top: list[int] = []
    while heap and len(top) < k:
        top.append(heap[0])
        last = heap.pop()
        if heap:
            heap[0] = last
            if len(top) < k:  # nobody asks who comes after the k-th
                await _sift(heap, 0, children, best)
    return completed(top, range(n))


def most_steps(n: int, k: int, *, children: int) -> int:
    """Calls of `best` that `heap_top` makes at most: every sift goes down to a leaf."""
    build = sum(_depth(root, n, children) for root in range(_inner(n, children)))
    return build + sum(_depth(0, size, children) for size in range(n - 1, max(n - k, 0), -1))


async def _sift(heap: list[int], root: int, children: int, best: Best) -> None:
    """Let the candidate at `root` sink until it is better than all below it."""
    while kids := range(children * root + 1, min(children * root + 1 + children, len(heap))):
        places = [root, *kids]
        winner = await best([heap[place] for place in places])
        place = next(place for place in places if heap[place] == winner)
        if place == root:
            return
        heap[root], heap[place] = heap[place], heap[root]
        root = place


def _inner(n: int, children: int) -> int:
    """Nodes that have at least one child."""
    return (n - 2) // children + 1 if n > 1 else 0


def _depth(root: int, n: int, children: int) -> int:
    """Levels below a node."""
    depth = 0
    while (root := children * root + 1) < n:
        depth += 1
    return depth
