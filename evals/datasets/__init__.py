"""Question sets and their corpora, from the normalised files, the official ones, or a person's own."""

from evals.datasets.load import NAMES, load_dataset, select
from evals.datasets.removed import without_gold
from evals.datasets.types import Dataset, Gold, Question, Quote, SupportingFact

__all__ = ["NAMES", "Dataset", "Gold", "Question", "Quote", "SupportingFact", "load_dataset", "select", "without_gold"]
