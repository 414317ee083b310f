"""The tree of errors: what the exit status and the HTTP status say of who must act."""

from __future__ import annotations

import pytest

from hopcite import errors
from hopcite.errors import HopciteError, OperatorError, UsageError, WorkFailed


def below(root: type[HopciteError]) -> list[type[HopciteError]]:
    """The public errors: a module may have one of its own, which it catches itself."""
    public = [child for child in root.__subclasses__() if child.__module__ == errors.__name__]
    return [error for child in public for error in (child, *below(child))]


@pytest.mark.parametrize(
    ("branch", "exit_status", "http"), [(WorkFailed, 1, 500), (UsageError, 2, 400), (OperatorError, 3, 500)]
)
def test_a_branch_shares_its_exit_status_and_its_class_of_http_status(
    branch: type[HopciteError], exit_status: int, http: int
) -> None:
    assert below(branch)
    for error in (branch, *below(branch)):
        assert error.exit_status == exit_status, error
        assert http <= error.http_status < http + 100, error


def test_every_leaf_has_a_title_of_its_own_and_a_line_in_the_tree() -> None:
    leaves = [error for error in below(HopciteError) if not below(error)]
    titles = [error.title for error in leaves]
    assert len(set(titles)) == len(leaves) == 12
    for error in leaves:
        [line] = [line for line in (errors.__doc__ or "").splitlines() if f" {error.__name__} " in line]
        assert f"exit {error.exit_status}, HTTP {error.http_status}" in line


def test_an_error_says_what_it_had_cost() -> None:
    error = WorkFailed("The plan is lost.")
    assert (error.llm_calls, error.prompt_tokens, error.completion_tokens) == (0, 0, 0)
    error.prompt_tokens = 7
    assert (str(error), error.prompt_tokens, HopciteError("x").prompt_tokens) == ("The plan is lost.", 7, 0)
