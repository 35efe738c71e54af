"""What is drawn to scale stands where it should."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from marketplace.web import highlight, rulers

START = datetime(2026, 12, 8, 13, 0, tzinfo=UTC)


@pytest.mark.parametrize("minutes", [120, 180, 195, 210, 240, 300])
def test_parts_fill_the_session(minutes: int) -> None:
    assert sum(part.minutes for part in rulers.parts_of(minutes)) == minutes


def test_ticks_stand_at_true_hours_of_the_clock() -> None:
    bar = rulers.timebar(180, start=START + timedelta(minutes=30), zone="Europe/Paris")
    tall = [tick.label for tick in bar.ticks if tick.label]
    assert tall == [(14, 30), (15, 0), (16, 0), (17, 0), (17, 30)]
    assert bar.ticks[1].at == "16.667%"


def test_the_other_zone_has_its_own_ticks() -> None:
    bar = rulers.timebar(180, start=START, zone="Europe/Paris", other_zone="Asia/Kathmandu")
    assert bar.other_ticks[0].label == (18, 45)
    assert [tick.label for tick in bar.other_ticks if tick.tall][
        1
    ] is None  # 19:00 is too near 18:45 to be written
    assert bar.other_ticks[1].at == "8.333%"


def test_labels_follow_a_clock_change_during_the_session() -> None:
    before = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    bar = rulers.timebar(180, start=before, zone="Europe/Paris")
    assert [tick.label for tick in bar.ticks if tick.label] == [(2, 0), (2, 0), (3, 0), (4, 0)]


def test_four_hours_are_112_pixels() -> None:
    assert rulers.minibar(240).width == 112
    assert rulers.minibar(180).width == 84
    assert rulers.minibar(240).rest == []


def test_days_and_session_share_one_scale() -> None:
    drawn = rulers.days(240, [(4, "partly"), (20, "yes"), (50, "yes")], median=20)
    assert drawn.top == 50
    assert drawn.median == "40%"
    assert drawn.session == "1.143%"
    assert drawn.largest == ("100%", 50, "end")


def test_without_a_median_nothing_yellow_is_drawn() -> None:
    assert rulers.days(180, [(4, "yes"), (12, "no")]).median is None


def test_a_refund_rule_from_now_to_the_start() -> None:
    now = START - timedelta(days=10)
    steps = [
        (START - timedelta(hours=72), 100, 158_400),
        (START - timedelta(hours=24), 50, 79_200),
        (START, 0, 0),
    ]
    drawn = rulers.refund(steps, now, START)
    assert [(p.percent, p.width) for p in drawn.parts] == [(100, "70%"), (50, "20%"), (0, "10%")]
    assert len(drawn.days) == 11


def test_a_step_gone_by_is_not_drawn() -> None:
    now = START - timedelta(hours=48)
    steps = [
        (START - timedelta(hours=72), 100, 158_400),
        (START - timedelta(hours=24), 50, 79_200),
        (START, 0, 0),
    ]
    assert [p.percent for p in rulers.refund(steps, now, START).parts] == [50, 0]


def test_prices_stand_on_a_scale_that_holds_them() -> None:
    chart = rulers.prices([59_000, 110_000, 110_000, 240_000])
    assert chart is not None
    assert (chart.low, chart.high) == (50_000, 250_000)
    assert chart.median == ("30%", 110_000)
    assert chart.tallest == 2
    assert rulers.prices([]) is None


STORY = "Notre première idée a échoué. Nous avons fini par chercher, machine par machine, le signal. Le reste a suivi."


def test_the_sentence_with_most_words_of_the_search_is_marked() -> None:
    pairs = highlight.mark_for(STORY, "signal des vieilles machines")
    assert [text for text, on in pairs if on] == [
        "Nous avons fini par chercher, machine par machine, le signal."
    ]
    assert "".join(text for text, _ in pairs) == STORY


def test_no_mark_without_a_reason() -> None:
    assert highlight.mark_for(STORY, "") == [(STORY, False)]
    assert highlight.mark_for(STORY, "notre budget annuel") == [(STORY, False)]


def test_a_short_end_is_marked_and_a_long_one_is_not() -> None:
    assert highlight.mark_end("Un devis de 94 000. Facture : 6 200.")[-1] == ("Facture : 6 200.", True)
    assert highlight.mark_end("Un seul mot") == [("Un seul mot", False)]
