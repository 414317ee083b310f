"""File formats to text. Each reader turns one file's bytes into documents whose text is what a person would read."""

from ingest.readers.dispatch import SUFFIXES, read_document
from ingest.readers.jsonl import BadRecord

__all__ = ["SUFFIXES", "BadRecord", "read_document"]
