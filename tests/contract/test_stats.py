"""`stats.live` and `stats.monthly`: what a reader of the topics can rely on."""

from __future__ import annotations

from typing import Any

import jsonschema
import msgspec
import pytest

from deploy.contracts import schemas
from deploy.topics import read_topics
from services.reports.domain.facts import Population
from services.reports.domain.live import Live, LivePolicy
from services.reports.domain.live_watch import Place
from services.reports.live_handlers import TOPIC, call_seen, messages
from shared.contracts.envelope import decode, encode
from shared.contracts.pack import Surge
from shared.contracts.stats import Figure, LiveFigure, MonthlyFigure, Verdict
from shared.contracts.topics import TOPICS
from tests.builders import COUNTY_TOWN, T0, a_call, minutes


def everything() -> list[LiveFigure]:
    """Return figures of every kind."""
    live = Live(Place("xianju", "331024", (COUNTY_TOWN,)), LivePolicy(Surge()), [Population.REAL])
    live.call(call_seen(a_call(), withdrawn=False), T0)
    return [*live.advance(T0 + minutes(10)), *live.standing(T0)]


def test_every_figure_keeps_to_its_schema_and_comes_back_as_it_went() -> None:
    """A figure on the wire is a CloudEvent whose data the published schema accepts."""
    schema = schemas()["live"]
    for message in messages(everything(), T0, 1):
        key, headers, value = encode(message)
        envelope = decode(headers, value)

        jsonschema.validate(msgspec.json.decode(value or b""), schema)
        assert message.data == envelope.data
        assert (key.decode(), f"cn.liandong.live.{message.change}.v1") == (
            message.key,
            envelope.type,
        )


def test_the_key_is_area_and_figure() -> None:
    """One key for one figure, so that the newest of each can be kept by whoever reads."""
    names = {message.key for message in messages(everything(), T0, 1)}

    assert {
        "331024/calls.110",
        "331024/open.dispatched",
        "331024/units_out",
        "331024/surge.119",
    } <= names


def test_the_topic_is_created_for_seven_days_without_a_twin() -> None:
    """Nobody here consumes it: it is for the desk and outside."""
    created = {topic.name: topic for topic in read_topics()}

    assert 7 * 86_400_000 == created[TOPIC].config["retention.ms"]
    assert f"{TOPIC}.dead" not in created
    assert ("live",) == TOPICS[TOPIC].families


@pytest.mark.parametrize("kind", [Figure, Verdict])
def test_a_reader_tolerates_words_it_does_not_know(kind: type[Figure]) -> None:
    """Open enumerations."""
    assert kind("a word of next year") == kind("unknown")


def test_a_month_s_figure_keeps_to_its_schema_and_hides_what_is_hidden() -> None:
    """Population, formula and revision stand in every event; a suppressed one has no number at all."""
    common: dict[str, Any] = {
        "region": "xianju",
        "area": "331024",
        "month": "2026-10",
        "figure": "timely.handle",
        "population": "real",
        "table": "K",
        "formula": 3,
        "revision": 0,
        "frozen_at": T0,
    }
    shown = MonthlyFigure(**common, numerator=90, denominator=100)
    hidden = MonthlyFigure(**common, suppressed=True)
    schema = schemas()["monthly"]

    for figure in (shown, hidden):
        jsonschema.validate(msgspec.json.decode(msgspec.json.encode(figure)), schema)
        assert {*common} <= set(schema["$defs"]["MonthlyFigure"]["required"])
    said = msgspec.json.decode(msgspec.json.encode(hidden))
    assert {"numerator", "denominator"}.isdisjoint(said)
    assert "331024/2026-10/timely.handle" == shown.name


def test_months_are_kept_for_good_by_key() -> None:
    """Compacted: the newest revision of every figure stays, without a time limit or a twin."""
    created = {topic.name: topic for topic in read_topics()}
    config = created["stats.monthly.v1"].config

    assert "compact" == config["cleanup.policy"]
    assert "retention.ms" not in config
    assert "stats.monthly.v1.dead" not in created
