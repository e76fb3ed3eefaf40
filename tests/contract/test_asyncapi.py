"""The AsyncAPI document tells the truth: topics, headers, schemas, who says and who hears."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
import yaml

from deploy import contracts
from deploy.topics import read_topics
from shared.contracts.consumers import CONSUMERS
from shared.contracts.envelope import Message, encode
from shared.contracts.raw_consumers import raw_consumers
from shared.contracts.topics import FAMILIES, TOPICS
from shared.contracts.values import Lane
from shared.runtime.bus import Outgoing, Partition, Record
from shared.runtime.consumer import Consumer, Verdict
from shared.runtime.events import unpack_headers
from shared.runtime.store import OUTBOX, Store, Work
from tests.engine import T0, beat, fresh, outgoing

DOCS = contracts.ROOT / "docs"
Node = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Node:
    """The document as it stands in the repository."""
    return cast("Node", yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8")))


def references(node: object) -> Iterator[str]:
    """Yield every `$ref` below *node*."""
    if isinstance(node, dict):
        if isinstance(target := node.get("$ref"), str):
            yield target
        for each in node.values():
            yield from references(each)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


def resolved(document: Node, target: str) -> Any:
    """Return what *target* points at, in the document or in a file beside it."""
    file, _, pointer = target.partition("#")
    if file:
        return (DOCS / file).resolve(strict=True)
    found: Any = document
    for step in pointer.strip("/").split("/"):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found


def headers_of(record: Outgoing) -> dict[str, str]:
    """Return the headers as text."""
    return {name: value.decode() for name, value in record.headers}


def test_every_reference_leads_somewhere(document: Node) -> None:
    """Channels to messages, operations to channels, messages to headers and to the payloads' files."""
    targets = set(references(document))

    assert len(targets) > 3 * len(FAMILIES)
    assert all(resolved(document, target) for target in targets)


def test_its_channels_are_the_topics_that_are_created(document: Node) -> None:
    """Partitions and settings too, feeds and dead twins among them (deploy/topics.yaml)."""
    created = {topic.name: topic for topic in read_topics(departments=["{department}"])}
    channels = {
        each["address"]: each["bindings"]["kafka"] for each in document["channels"].values()
    }

    assert created.keys() == channels.keys()
    for name, topic in created.items():
        settings = channels[name]["topicConfiguration"]
        told = {k: v[0] if isinstance(v, list) else v for k, v in settings.items()}
        assert (topic.partitions, dict(topic.config)) == (channels[name]["partitions"], told)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_each_family_has_its_payload_s_schema_and_one_service_that_says_it(
    document: Node, family: str
) -> None:
    """The schema is the generated file of the struct; two producers would number one aggregate."""
    payload = document["components"]["messages"][family]["payload"]["schema"]["$ref"]
    says = {
        name.partition(".")[0]
        for name, operation in document["operations"].items()
        if operation["action"] == "send"
        and any(each["$ref"].endswith(f"/messages/{family}") for each in operation["messages"])
    }

    assert contracts.SCHEMAS / f"{family}.v1.json" == resolved(document, payload)
    assert 1 == len(says)


@pytest.mark.parametrize("trace", [None, f"00-{'a' * 32}-{'b' * 16}-01"])
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_what_is_said_has_the_headers_it_promises(
    document: Node, family: str, trace: str | None
) -> None:
    """CloudEvents 1.0, binary mode, by the very function that writes them."""
    promised = document["components"]["schemas"][f"{family}Headers"]
    producer = promised["properties"]["ce_source"]["const"].rpartition("/")[2]
    message = Message(
        topic="t", key="k", producer=producer, family=family, change="changed", aggregate=fresh(),
        version=1, time=T0, lane=Lane.URGENT, data=None, trace=trace,
    )  # fmt: skip
    found = {name: value.decode() for name, value in encode(message)[1]}

    jsonschema.validate(found, promised | {"additionalProperties": False})
    assert set(promised["required"]) == found.keys() - {"traceparent"}


def test_a_dead_letter_has_the_headers_it_promises(document: Node) -> None:
    """The record's own headers and why it was set aside, as the consumer writes them."""
    sent = outgoing(beat(fresh(), 1, topic="sla.urgent.v1"))
    record = Record(Partition("sla.urgent.v1", 3), 7, sent.key, sent.value, tuple(sent.headers))
    consumer = Consumer("notify.urgent", cast("Any", None), Store(cast("Any", None)), cast("Any", None))  # fmt: skip
    work = Work()
    consumer._bury(work, record, Verdict("too_early", "handle", "not yet"))  # noqa: SLF001
    ((_, topic, _, headers, _),) = work.rows[OUTBOX]
    found = {name: value.decode() for name, value in unpack_headers(headers)}

    promised = document["components"]["schemas"]["deadLetterHeaders"]
    jsonschema.validate(found, promised)
    assert set(promised["properties"]) == found.keys() - headers_of(sent).keys()
    assert document["channels"]["slaUrgentV1"]["x-dead-twin"] == topic


def test_who_hears_what_is_said_as_it_is_seeded(document: Node) -> None:
    """One receiving operation for each consumer and topic, under its group."""
    told = {
        (
            operation["bindings"]["kafka"]["groupId"]["enum"][0],
            resolved(document, operation["channel"]["$ref"])["address"],
        )
        for operation in document["operations"].values()
        if operation["action"] == "receive"
    }

    seeded = CONSUMERS | raw_consumers(["{department}"])
    assert {(c, topic) for c, topics in seeded.items() for topic in topics} == told


def test_lanes_and_keys_are_told(document: Node) -> None:
    """Every topic says its key; the two lanes say which they are."""
    by_address = {each["address"]: each for each in document["channels"].values()}

    for name, topic in TOPICS.items():
        assert topic.key == by_address[name]["x-key"]
        lane = next((lane for lane in ("urgent", "ordinary") if lane in name), None)
        assert lane == by_address[name].get("x-lane")


def test_a_document_that_no_longer_fits_is_complained_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make check` fails until `python -m deploy.contracts` was run, as for the schemas."""
    stale = tmp_path / "asyncapi.yaml"
    stale.write_text(
        (DOCS / "asyncapi.yaml").read_text().replace("partitions: 12", "partitions: 6")
    )
    fresh_files = list(contracts.files())
    moved = [(stale if path.name == stale.name else path, text) for path, text in fresh_files]
    monkeypatch.setattr(contracts, "files", lambda: iter(moved))
    monkeypatch.setattr(contracts, "ROOT", Path("/"))

    assert any("asyncapi.yaml is stale" in complaint for complaint in contracts.complaints())
