"""How long a new process takes to its first draft and its first plan, with and without the states of their openings.

    python benchmarks/openings.py [--rounds 3]

Both ways are measured in turns in one run, each with a model that was just loaded; loading is not counted. A run before
the first one makes the states.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median

from agent.plan import plan_steps
from agent.prompts import OPENINGS
from agent.write import write_draft
from hopcite.budget import Budget
from hopcite.chat import Chat
from hopcite.openai_chat import open_chat
from hopcite.settings_layers import load_settings
from hopcite.types import Chunk

QUESTION = "In which town was the surveyor of the Winter Line born?"
TEXT = (
    "The Winter Line is a railway of 31 km that opened in 1911. It was surveyed by Sena Oduya, an engineer of Lund. "
    * 4
)
FIRST: dict[str, Callable[[Chat], Awaitable[object]]] = {
    "draft": lambda chat: write_draft(QUESTION, _passages(), chat=chat, budget=Budget(), max_tokens=32),
    "plan": lambda chat: plan_steps(QUESTION, chat=chat, budget=Budget()),
}


def main() -> None:
    """Print the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    asyncio.run(_seconds(kept=True))
    took: dict[bool, list[dict[str, float]]] = {True: [], False: []}
    for _ in range(rounds):
        for kept, found in took.items():
            found.append(asyncio.run(_seconds(kept=kept)))
    print(f"{rounds} rounds, medians")
    for name in FIRST:
        read, loaded = (median(found[name] for found in took[kept]) for kept in (False, True))
        print(f"first {name:<6} {read:6.1f} s without states, {loaded:6.1f} s with them: {read / loaded:.1f} times")


async def _seconds(*, kept: bool) -> dict[str, float]:
    chat = open_chat(load_settings().settings, openings=OPENINGS if kept else ())
    took: dict[str, float] = {}
    try:
        await chat.count_tokens("loads the model")
        for name, ask in FIRST.items():
            started = time.perf_counter()
            await ask(chat)
            took[name] = time.perf_counter() - started
    finally:
        await chat.aclose()
    return took


def _passages() -> list[Chunk]:
    """Five, as long as those of a question usually are."""
    return [
        Chunk(
            id=str(n),
            document_id=str(n),
            title=f"Winter Line {n}",
            source="",
            text=TEXT,
            start=0,
            end=len(TEXT),
            position=0,
        )
        for n in range(1, 6)
    ]


if __name__ == "__main__":
    main()
