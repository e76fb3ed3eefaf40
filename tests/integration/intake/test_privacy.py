"""Nothing personal leaves the vault: not in the outbox, not in a table, not in the log."""

from __future__ import annotations

import json

import pytest

from tests.integration.intake.station import Station, a_record, fresh_number, local_now

pytestmark = pytest.mark.infrastructure

PHONE, OTHER, PLATE, IDENTITY = "13712345678", "13987654321", "浙J·9X8Y7", "331024197001014512"
SECRETS = (PHONE, OTHER, "9X8Y7", "19700101", "某某甲", "某某乙", "某某丙", "五零六室")


def _personal() -> dict[str, object]:
    return {
        "bjdh": PHONE,
        "bjrxm": "某某甲",
        "bjrxb": "女",
        "bjdhyhxm": "某某乙",
        "bjdhyhdz": "花园二幢五零六室",
        "bjnr": f"打{OTHER},车{PLATE},证{IDENTITY}",
        "afdd": f"横溪镇人民路 {OTHER}",
        "bjlbmc": f"其他{OTHER}",
        "unheard_of": {"note": "某某丙", OTHER: OTHER},
    }


async def test_nothing_personal_is_readable_anywhere(mute: Station) -> None:
    """Calls, revisions, refusals and sheets, accepted or not: searched byte by byte."""
    record = a_record(**_personal())
    accepted = await mute.post(record)
    await mute.post(record | {"bjnr": f"再打{PHONE}"})
    await mute.post(a_record(**_personal(), zjjdbh="x y"))
    await mute.post(a_record(**{**_personal(), "bjsj": PHONE, PHONE: PHONE, "某某甲": 1}))
    await mute.post(json.dumps(a_record(**_personal())).encode()[:-3])
    order = {"gdbh": fresh_number(), "slsj": local_now(), "nr": OTHER, "lb": f"找{PHONE}"}
    await mute.post(order | {"lxdh": PHONE, "lxr": "某某甲"}, key="k12345", to="12345/calls")
    sheet = {"cjdbh": fresh_number(), "jjdbh": record["jjdbh"], "cjdwbm": "xj-rescue"}
    sheet |= {"cljg": f"已回{PHONE}", "fknr": f"{OTHER} {PLATE}", "cdry": "某某甲、某某乙"}
    handled = await mute.post(sheet, to="110/handling")
    waiting = await mute.rows("select count(*) as n from outbox")
    seen = await mute.everything()

    assert [202, 202] == [accepted.status_code, handled.status_code]
    assert 7 == waiting[0]["n"]
    assert [] == [word for word in SECRETS if word.encode() in seen or _escaped(word) in seen]


async def test_the_caller_is_the_same_hash_again_and_not_the_number(mute: Station) -> None:
    """Repeat calls are found by it."""
    one, two = a_record(bjdh=PHONE), a_record(bjdh=f"+86 {PHONE}")
    for record in (one, two):
        await mute.post(record)
    rows = await mute.rows(
        "select doc from calls where source_id = any($1)", [one["jjdbh"], two["jjdbh"]]
    )
    callers = {json.loads(r["doc"])["caller"] for r in rows}

    assert 2 == len(rows)
    assert 1 == len(callers)


async def test_the_desk_sees_a_mask_and_leaves_a_trace(mute: Station) -> None:
    """First 3 and last 4; who looked and why stands in a row."""
    token = await _token(mute, a_record(**_personal()))
    answer = await mute.get(f"/v1/contacts/{token}", reason="call_back")
    access = await mute.rows("select who, what, reason from contact_access where token = $1", token)

    assert (200, "no-store") == (answer.status_code, answer.headers["cache-control"])
    assert ("137****5678", "某**") == (answer.json()["phone"], answer.json()["name"])
    assert not any(word in answer.text for word in SECRETS)
    assert [("desk", "masked", "call_back")] == [tuple(r) for r in access]


@pytest.mark.parametrize(
    ("key", "reason", "status"),
    [("k110", "call_back", 403), ("nobody", "call_back", 401), ("desk", "curious", 400)],
)
async def test_no_reason_or_no_desk_sees_nothing_and_opens_nothing(
    mute: Station, key: str, reason: str, status: int
) -> None:
    """The hotline's own key does not open the vault again."""
    token = await _token(mute, a_record(**_personal()))
    answer = await mute.get(f"/v1/contacts/{token}", key, reason=reason)
    access = await mute.rows("select 1 from contact_access where token = $1", token)

    assert status == answer.status_code
    assert [] == access


async def test_destroying_the_key_ends_the_contact_for_good(mute: Station) -> None:
    """One key per call: gone with it, and a late revision does not bring it back."""
    record = a_record(**_personal())
    token = await _token(mute, record)
    destroyed = await mute.delete(f"/v1/contacts/{token}", reason="retention_ended")
    await mute.post(record | {"bjnr": "补充"})
    looked = await mute.get(f"/v1/contacts/{token}", reason="call_back")
    kept = await mute.rows("select wrapped_key, sealed from contact where token = $1", token)

    assert (204, 404) == (destroyed.status_code, looked.status_code)
    assert [(None, None)] == [tuple(r) for r in kept]


async def _token(station: Station, record: dict[str, object]) -> str:
    await station.post(record)
    rows = await station.rows("select contact from calls where source_id = $1", record["jjdbh"])
    return str(rows[0]["contact"])


def _escaped(word: str) -> bytes:
    """Return *word* as JSON that is not readable writes it."""
    return json.dumps(word)[1:-1].encode()
