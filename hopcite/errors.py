"""Every error that Hopcite raises on purpose.

HopciteError
├── UsageError            the caller must change the call or the settings       exit 2, HTTP 400
│   ├── SettingsError         a setting is unknown, missing or out of range     exit 2, HTTP 400
│   ├── NotFound              the named thing does not exist                    exit 2, HTTP 404
│   ├── DocumentError         one document cannot be read; others go on         exit 2, HTTP 422
│   ├── PromptTooLong         the prompt exceeds the model's window             exit 2, HTTP 400
│   ├── CollectionMismatch    the collection was built with another encoder     exit 2, HTTP 409
│   └── ThreadBusy            the thread is answering another question          exit 2, HTTP 409
├── OperatorError         the operator must repair the installation             exit 3, HTTP 503
│   ├── Unreachable           a server does not answer                          exit 3, HTTP 503
│   ├── ModelFileError        a model file is missing, corrupt or unavailable   exit 3, HTTP 503
│   ├── DataFolderBusy        another process holds the data folder             exit 3, HTTP 503
│   └── NoSpace               the disk is full                                  exit 3, HTTP 507
└── WorkFailed            nobody is to blame: try again                         exit 1, HTTP 500
    ├── ModelMisbehaved       the model's reply can't be used, after one repair exit 1, HTTP 502
    └── BudgetExhausted       the request's calls, tokens or seconds are spent  exit 1, HTTP 504

Vendor errors are translated once, where the vendor is called, with `raise ... from exc`. The message is one line: what
is wrong and what to change. `llm_calls`, `prompt_tokens` and `completion_tokens` say what a question had cost when it
failed; `agent.answer_question` fills them in.
"""

from __future__ import annotations


class HopciteError(Exception):
    """Base of the tree: catch this one to catch them all."""

    exit_status = 1
    http_status = 500
    title = "The work failed"
    llm_calls = 0
    prompt_tokens = 0
    completion_tokens = 0


class UsageError(HopciteError):
    """The call is wrong; the caller must change it."""

    exit_status = 2
    http_status = 400
    title = "The request is wrong"


class SettingsError(UsageError):
    """A setting is unknown, missing or out of range."""

    title = "A setting is wrong"


class NotFound(UsageError):
    """A collection, document or model that was named does not exist."""

    http_status = 404
    title = "Not found"


class DocumentError(UsageError):
    """One document cannot be read. The rest of its batch goes on."""

    http_status = 422
    title = "The document cannot be read"


class PromptTooLong(UsageError):
    """What is to be asked does not fit the model's window."""

    title = "The prompt is too long"


class CollectionMismatch(UsageError):
    """The collection holds vectors of another encoder, or has the layout of another version."""

    http_status = 409
    title = "The collection was built differently"


class ThreadBusy(UsageError):
    """A thread answers one question at a time, and it is at one."""

    http_status = 409
    title = "The conversation is busy"


class OperatorError(HopciteError):
    """The installation needs repair; calling again changes nothing."""

    exit_status = 3
    http_status = 503
    title = "A part is unavailable"


class Unreachable(OperatorError):
    """A server does not answer, or refuses us."""

    title = "A server cannot be reached"


class ModelFileError(OperatorError):
    """A model file is missing, does not match its sha256, or no source has it."""

    title = "A model is unavailable"


class DataFolderBusy(OperatorError):
    """Another process has the collection open."""

    title = "The data folder is in use"


class NoSpace(OperatorError):
    """The disk cannot hold what was to be written."""

    http_status = 507
    title = "The disk is full"


class WorkFailed(HopciteError):
    """Something went wrong that another try may not meet."""


class ModelMisbehaved(WorkFailed):
    """The model's reply could not be used, and one repair did not help."""

    http_status = 502
    title = "The model's reply cannot be used"


class BudgetExhausted(WorkFailed):
    """The request's calls, tokens or seconds are spent."""

    http_status = 504
    title = "The budget is spent"
