"""Every method that asks a chat model, by its name in the setting `rerank.method`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from retrieval.rerank.asking import Method
from retrieval.rerank.elimination import Elimination
from retrieval.rerank.erank import ERank
from retrieval.rerank.grades import ExpectedGrade
from retrieval.rerank.groups import Groups
from retrieval.rerank.letters import Letters
from retrieval.rerank.listwise import Listwise, full_ranking
from retrieval.rerank.pairwise import AllPairs, PairwiseHeap, PairwiseSliding
from retrieval.rerank.rank_r1 import RankR1
from retrieval.rerank.reason_rank import ReasonRank
from retrieval.rerank.setwise import Setwise
from retrieval.rerank.tournament import Tournament
from retrieval.rerank.yes_no import YesNo

CHAT_METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            YesNo(),
            ExpectedGrade(),
            AllPairs(),
            PairwiseHeap(),
            PairwiseSliding(),
            Setwise(),
            Listwise(),
            full_ranking(),
            Letters(),
            Groups(),
            Tournament(),
            Elimination(),
            RankR1(),
            ReasonRank(),
            ERank(),
        )
    }
)

LABEL_METHODS = frozenset(
    ("yes-no", "grades", "pairwise-all", "pairwise-heap", "pairwise-sliding", "setwise", "letters", "elimination")
)
"""Those that read the probabilities of a reply's first token and nothing else."""
