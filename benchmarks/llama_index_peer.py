"""LlamaIndex's SubQuestionQueryEngine with its own prompts, over Hopcite's search."""

from __future__ import annotations

from llama_index.core.callbacks import CallbackManager
from llama_index.core.llms import ChatMessage, MessageRole
from llama_index.core.prompts import BasePromptTemplate, ChatPromptTemplate
from llama_index.core.prompts.chat_prompts import TEXT_QA_PROMPT_TMPL_MSGS
from llama_index.core.query_engine import RetrieverQueryEngine, SubQuestionQueryEngine
from llama_index.core.question_gen import LLMQuestionGenerator
from llama_index.core.response_synthesizers import get_response_synthesizer
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.tools import QueryEngineTool
from llama_index.llms.openai_like import OpenAILike
from openai import APIConnectionError

from benchmarks.peers import MAX_TOKENS, SHORT_ANSWER, TIMEOUT_S, Meter, Model, Said, Search

PACKAGES = ("llama-index-core", "llama-index-llms-openai-like")
# What its synthesizer says when it was given nothing: every sub-question had failed.
_NOTHING = "Empty Response"


class LlamaIndexPeer:
    """One engine over one tool. Sub-questions are answered in the engine's own words and at its own length."""

    def __init__(self, model: Model, search: Search, meter: Meter) -> None:
        llm = OpenAILike(
            model=model.name,
            api_base=model.base_url,
            api_key=model.api_key,
            context_window=model.context_tokens,
            is_chat_model=True,
            temperature=0.0,
            max_tokens=MAX_TOKENS,
            timeout=TIMEOUT_S,
            additional_kwargs={"seed": 0},
            async_http_client=meter.http,
        )
        tool = QueryEngineTool.from_defaults(
            RetrieverQueryEngine.from_args(_Retriever(search), llm=llm),
            name="documents",
            description="Provides information from encyclopaedia articles on people, places, works and events",
        )
        self._engine = SubQuestionQueryEngine.from_defaults(
            [tool],
            llm=llm,
            # The engine's choice for a model that has no function calling of its own.
            question_gen=LLMQuestionGenerator.from_defaults(llm=llm),
            response_synthesizer=get_response_synthesizer(llm=llm, text_qa_template=_short_answers(), use_async=True),
            verbose=False,
        )

    async def ask(self, question: str) -> Said:
        """The engine's answer. Most failures are sub-questions that are not the JSON it asked for."""
        try:
            response = await self._engine.aquery(question)
        except APIConnectionError:
            raise
        except Exception as exc:  # noqa: BLE001  # whatever the framework raises is its failure on this question
            return Said("", f"{type(exc).__name__}: {str(exc)[:300]}")
        texts = [node.text for node in response.source_nodes]
        notes = {"sub_questions": [text for text in texts if text.startswith("Sub question:")]}
        failure = "no sub-question was answered" if str(response) == _NOTHING else None
        return Said(str(response), failure, notes)


class _Retriever(BaseRetriever):
    def __init__(self, search: Search) -> None:
        self._search = search
        super().__init__(callback_manager=CallbackManager())

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        raise NotImplementedError("The engine is asked through its asynchronous door.")

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        chunks = await self._search(query_bundle.query_str)
        nodes = [TextNode(id_=chunk.id, text=chunk.text, metadata={"title": chunk.title}) for chunk in chunks]
        return [NodeWithScore(node=node, score=1 / rank) for rank, node in enumerate(nodes, start=1)]


def _short_answers() -> BasePromptTemplate:
    """The default prompt of the last step, with the sentence that asks for a short answer."""
    system, *others = TEXT_QA_PROMPT_TMPL_MSGS
    asked = ChatMessage(content=f"{system.content}\n{SHORT_ANSWER}", role=MessageRole.SYSTEM)
    return ChatPromptTemplate([asked, *others])
