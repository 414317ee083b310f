from __future__ import annotations

from dataclasses import replace

import pytest

from agent.lifespan import life_date
from hopcite.types import Chunk


def page(text: str, title: str = "Imre Valko") -> Chunk:
    return Chunk("c", "d", title, "d.md", text, 0, len(text), 0)


@pytest.mark.parametrize(
    ("text", "born", "died"),
    [
        ("Imre Valko (3 May 1901 – 12 June 1970) was a novelist.", "3 May 1901", "12 June 1970"),
        ("Imre Valko (1901–1970) was a novelist.", "1901", "1970"),
        ("Imre Valko (May 3, 1901 - June 1970) was a novelist.", "May 3, 1901", "June 1970"),
        ("Imre Valko (born Emmerich Falk; 3 May 1901 in Tarn — 1970) was one.", "3 May 1901", "1970"),
        ("Imre Valko (born 3 May 1981) is a novelist.", "3 May 1981", ""),
        ("Imre Valko (1981 novelist) is no lifespan.", "", ""),
        ("Imre Valko, who wrote Low Water (1931), was a novelist.", "", ""),
        ("Imre Valko was born in 1901.", "", ""),
        ("Imre Valko (384–322 BC) was a philosopher.", "", ""),
        ("Imre Valko (356 B.C. – 323 B.C.) was a king.", "", ""),
        ("Imre Valko (63 BCE – 14) was an emperor.", "", ""),
        ("Imre Valko (fl. 1340–1370) was a painter.", "", ""),
        ("Imre Valko (r. 1485–1509) was a king.", "", ""),
        ("Imre Valko (reigned: 1485–1509) was a king.", "", ""),
        ("Imre Valko (active 1485–1509) was a painter.", "", ""),
        ("Imre Valko (CEO 2010–2018) led the Oss works.", "", ""),
        ("Imre Valko (born 1950; president 1990–1995) is a politician.", "", ""),
        ("Imre Valko (c. 1340 – 25 October 1400) was a poet.", "", "25 October 1400"),
        ("Imre Valko (1340/41 – after 1400) was a poet.", "", ""),
        ("Imre Valko (born 1340 or 1341) was a poet.", "", ""),
        ("Imre Valko (born Imre King or Kiraly; May 3, 1901June 12, 1970) was one.", "May 3, 1901", ""),
        ("Imre Valko was the son of Anders Valko (1870–1930).", "", ""),
        (f"Imre Valko wrote{' a lot' * 50} (1901–1970).", "", ""),
    ],
)
def test_the_opening_line_tells_a_life(text: str, born: str, died: str) -> None:
    assert life_date("When was Imre Valko born?", [page(text)]) == born
    assert life_date("When did Imre Valko die?", [page(text)]) == died


LIFE = page("Imre Valko (1901–1970) was a novelist.")


def test_it_is_told_of_the_one_who_is_asked_for_and_of_no_other() -> None:
    assert life_date("When was Sena Oduya born?", [LIFE]) == ""
    assert life_date("When was Imre born?", [LIFE]) == ""
    assert life_date("Where was Imre Valko born?", [LIFE]) == ""
    assert life_date("When was the novelist Imre Valko published?", [LIFE]) == ""
    assert life_date("When was Imre Valko born?", [page("He (1850–1900) is another.", "Sena Oduya"), LIFE]) == "1901"


def test_a_date_of_birth_or_death_is_asked_in_two_ways() -> None:
    assert life_date("What is the date of birth of Imre Valko?", [LIFE]) == "1901"
    assert life_date("What was the date of death of Imre Valko?", [LIFE]) == "1970"
    assert life_date("What is the place of death of Imre Valko?", [LIFE]) == ""


def test_two_of_one_name_with_different_dates_tell_nothing() -> None:
    painter = page("Imre Valko (1850–1900) was a painter.", "Imre Valko (painter)")
    assert life_date("When was Imre Valko born?", [LIFE, painter]) == ""
    assert life_date("When was Imre Valko born?", [LIFE, page(LIFE.text, "Imre Valko (novelist)")]) == "1901"
    assert life_date("When was Imre Valko born?", [LIFE, replace(painter, start=900)]) == "1901"
