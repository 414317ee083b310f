from __future__ import annotations

import pytest

from agent.sides import side_questions

BORN = ("When was Imre Valko born?", "When was Sena Oduya born?")

DIRECTORS = (
    "Who is the director of film Low Water?",
    "What nationality is #1?",
    "Who is the director of film Tarn?",
    "What nationality is #3?",
)


@pytest.mark.parametrize(
    ("question", "sides"),
    [
        ("Who is older, Imre Valko or Sena Oduya?", BORN),
        ("Who was born first out of Imre Valko and Sena Oduya?", BORN),
        ("Was Imre Valko born before Sena Oduya?", BORN),
        ("Who died later, Imre Valko or Sena Oduya?", ("When did Imre Valko die?", "When did Sena Oduya die?")),
        (
            "Who lived longer, Imre Valko or Sena Oduya?",
            (
                "When was Imre Valko born?",
                "When did Imre Valko die?",
                "When was Sena Oduya born?",
                "When did Sena Oduya die?",
            ),
        ),
        ("Did Imre Valko die after Sena Oduya?", ("When did Imre Valko die?", "When did Sena Oduya die?")),
        (
            "Which silent film was released more recently, Low Water or Winter Tariff?",
            ("When was Low Water released?", "When was Winter Tariff released?"),
        ),
        ("Which game, Tarn or Oss, was made first?", ("When was Tarn made?", "When was Oss made?")),
        ("Which film whose director was born first, Low Water or Winter Tariff?", ()),
        ("Which film has the director who was born first, Low Water or Winter Tariff?", ()),
        ("Which newspaper is older, the Oss Gazette or the Tarn Post?", ()),  # founded, not born
        ("Is Mirel Bridge longer than Oss Bridge?", ("How long is Mirel Bridge?", "How long is Oss Bridge?")),
        ("Which ferry is heavier, MV Tarn or MV Oss?", ("How heavy is MV Tarn?", "How heavy is MV Oss?")),
        ("Which lake is deepest, Tarn or Oss?", ("How deep is Tarn?", "How deep is Oss?")),
        (
            "Which band was formed first, Simply Red or The Oss?",
            ("When was Simply Red formed?", "When was The Oss formed?"),
        ),
        (
            "Was The Red After Dark released before Low Water?",
            ("When was The Red After Dark released?", "When was Low Water released?"),
        ),
        ("Which film was released first in Ossland, Low Water or Tarn?", ()),  # there, and not at all
        ("Who was older when he died, Imre Valko or Sena Oduya?", ()),
        ("Who died younger, Imre Valko or Sena Oduya?", ()),
        ("Did Imre Valko die before 1970?", ()),
        ("Which town is larger, Tarn or Oss?", ()),  # by people or by land
        (
            "Do Imre Valko and Sena Oduya share the same nationality?",
            ("What nationality is Imre Valko?", "What nationality is Sena Oduya?"),
        ),
        (
            "Are both Low Water and Winter Tariff from the same country?",
            ("What nationality is Low Water?", "What nationality is Winter Tariff?"),
        ),
        (
            "Are the movies Low Water and Winter Tariff, from the same country?",
            ("What nationality is Low Water?", "What nationality is Winter Tariff?"),
        ),
        (
            "Are Tarn Bridge and Oss Lake both located in the same country?",
            ("In which country is Tarn Bridge?", "In which country is Oss Lake?"),
        ),
        ("Are Tarn and Oss in the same state?", ("In which state is Tarn?", "In which state is Oss?")),
        ("Do the directors of films Low Water and Tarn share the same nationality?", DIRECTORS),
        ("Are director of film Low Water and director of film Tarn both from the same country?", DIRECTORS),
        ("Do both films Low Water and Tarn have the directors from the same country?", DIRECTORS),
        ("Do both films Low Water and Tarn have directors who share the same nationality?", DIRECTORS),
        (
            "Are both mountains, Tarn Fell and Oss Head, located in the same country?",
            ("In which country is Tarn Fell?", "In which country is Oss Head?"),
        ),
        (
            "Did the movies Low Water and Salt, originate from the same country?",
            ("What nationality is Low Water?", "What nationality is Salt?"),
        ),
        ("Are the directors of both films Low Water and Tarn from the same country?", DIRECTORS),
        ("Are Salt and Snow and Low Water from the same country?", ()),  # where does the first end?
        ("Are Low Water and Tarn in the same genre?", ()),
        ("Are Tarn Bridge and Oss Bridge both bridges in the same state?", ()),
        (
            "Are Low Water and The Tarn from the same country?",
            ("What nationality is Low Water?", "What nationality is The Tarn?"),
        ),
        ("When was Imre Valko born?", ()),
    ],
)
def test_a_plain_comparison_asks_each_side_for_its_date_or_measure(question: str, sides: tuple[str, ...]) -> None:
    assert side_questions(question) == sides
