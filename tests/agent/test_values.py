"""Values of short answers: dates, amounts and names, and what two of them decide."""

from __future__ import annotations

import pytest

from agent.values import alike, date_in, date_text, ordered


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("31 July 989", (989, 7, 31)),
        ("on July 31st, 1989", (1989, 7, 31)),
        ("1989-07-31T08:00:00", (1989, 7, 31)),
        ("in May 1937", (1937, 5)),
        ("1928, and again on 3 May 1931", (1928,)),
        ("3 May 1901June 1970", (1901, 5, 3)),
        ("of Tarn or Oss, 3 May 1901", (1901, 5, 3)),
        ("62.4 metres", ()),
        ("Kestmark", ()),
    ],
)
def test_dates(text: str, date: tuple[int, ...]) -> None:
    assert date_in(text) == date
    assert bool(date_text(text)) == bool(date)


@pytest.mark.parametrize(
    "text",
    [
        *("44 BC", "300 BC", "356 B.C.", "356 BCE", "384–322 BC", "-384"),
        *("c. 1340", "c.1340", "ca 1340", "circa 1340", "about 1340", "before 1340", "1340s", "1340?"),
        *(
            "1340 or 1345",
            "May or June 1901 or 1902",
            "1388/89",
            "1901–1905",
            "1901 to 1905",
            "31 July 1901 – 3 May 1902",
        ),
        "0000-05-06",
        *("900 years", "1,500 years", "1500 metres", "100,000", "$900", "3.1416"),
    ],
)
def test_what_is_no_certain_date_is_none(text: str) -> None:
    assert date_in(text) == ()
    assert date_text(text) == ""


@pytest.mark.parametrize(
    ("first", "second", "order"),
    [
        ("1.2 million", "900,000", 1),
        ("1.2 million people", "900,000 people", 1),
        ("8 thousand", "1 billion", -1),
        ("1 hour", "2 hours", -1),
        ("$5", "$4 million", -1),
        ("$5", "€4", 0),
        ("12 square kilometres", "9 square miles", 0),
        ("12 square kilometres", "9 kilometres", 0),
        ("1.2bn", "900bn", -1),
        ("1.2bn", "900 million", 0),
        ("10k", "9,000", 0),
        ("900 years", "800 years", 1),
        ("1,500 years", "800 years", 1),
        # The deeper of two is the lower one.
        ("−40", "−10", 0),
        ("-40 m", "10 m", 0),
        # Not one number, or no certain one.
        ("1901–1905", "1921–1929", 0),
        ("1901", "1921", 0),
        ("3 May 1901", "7 June 1921", 0),
        ("5–10 km", "7 km", 0),
        ("1 hour 50 minutes", "1.5 hours", 0),
        ("3:45", "10:12", 0),
        ("over 500 m", "510 m", 0),
        ("2nd", "3rd", 0),
    ],
)
def test_amounts_decide_where_both_are_certain_and_of_one_unit(first: str, second: str, order: int) -> None:
    assert ordered(first, second, dates=False) == order
    assert ordered(second, first, dates=False) == -order


@pytest.mark.parametrize(
    ("thing", "first", "second", "answer"),
    [
        ("country", "Ossland", "the Ossland", "yes"),
        ("province", "Tarn", "Tarn Province", "yes"),
        ("country", "Sweden", "Kenya", "no"),
        ("country", "United States", "United Kingdom", "no"),
        ("country", "United States", "Kenya", "no"),
        ("nationality", "the U.S.", "Kenyan", "no"),
        # One country by two names, or a part of another name.
        ("country", "United States", "American", "yes"),
        ("country", "United States", "U.S.", "yes"),
        ("country", "Great Britain", "United Kingdom", "yes"),
        ("country", "UK", "Scotland", ""),
        ("country", "Denmark", "Danish", ""),
        ("nationality", "British", "English", ""),
        ("state", "Virginia", "West Virginia", ""),
        ("city", "York", "New York", ""),
        ("city", "Tarn", "Tarn and Oss", ""),
        ("year", "3 May 1901", "7 June 1901", "yes"),
        ("year", "3 May 1901", "3 May 1902", "no"),
        ("year", "1901", "about 1902", ""),
        ("day", "3 May 1901", "7 June 1901", ""),
        ("number of", "5", "5 members", "yes"),
        ("number of", "5", "4", "no"),
        ("number of", "five", "5", "yes"),
        ("number of", "five", "4", ""),
        ("city", "Kiev", "Kyiv", ""),
        ("country", "no", "no", ""),
        ("country", "unknown", "unknown", ""),
    ],
)
def test_the_same_is_equal_and_another_plainly_of_the_same_kind(
    thing: str, first: str, second: str, answer: str
) -> None:
    assert alike(first, second, thing) == answer
    assert alike(second, first, thing) == answer
