"""The mappings of docs/import read a portal's download and its interface's file alike."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from services.reports.adapters import history
from services.reports.adapters.history_months import month
from services.reports.adapters.history_source import HistoryRefused
from services.reports.domain.history_figures import HistoryMonth
from services.reports.domain.history_header import placed
from services.reports.domain.history_mapping import Columns, Within
from tests.oracles.recorded import MAPPINGS
from tests.unit.reports import history_files

T1, T2, T3 = "01/05/2017 10:11:12 PM", "01/05/2017 10:15:00 PM", "01/06/2017 09:00:00 AM"
A1, A2, A3 = "2017-01-05T22:11:12.000", "2017-01-05T22:15:00.000", "2017-01-06T09:00:00.000"
B1, B2, B3 = "2017-01-05 22:11:12", "2017-01-05 22:15:00", "2017-01-06 09:00:00"

EDITIONS: list[tuple[str, dict[str, str]]] = [
    (
        "boston311",
        {"CASE_ENQUIRY_ID": "7", "OPEN_DT": T1, "TARGET_DT": T3, "CLOSED_DT": T2,
         "OnTime_Status": "ONTIME", "REASON": "Trees", "TYPE": "Limb", "Department": "PARK",
         "neighborhood": "Hill", "Source": "App"},
    ),
    (
        "boston311",
        {"_id": "1", "case_enquiry_id": "7", "open_dt": B1, "sla_target_dt": B3, "closed_dt": B2,
         "on_time": "ONTIME", "reason": "Trees", "type": "Limb", "department": "PARK",
         "neighborhood": "Hill", "source": "App"},
    ),
    (
        "boston311",
        {"case_id": "7", "open_date": A1, "target_close_date": A3, "close_date": A2,
         "on_time": "ONTIME", "case_topic": "Trees", "service_name": "Limb",
         "assigned_department": "PARK", "neighborhood": "Hill", "report_source": "App"},
    ),
    ("boston311", {"case_enquiry_id": "7", "open_dt": A1, "target_dt": "", "closed_dt": "",
                   "ontime": "ONTIME"}),
    (
        "sf_fire",
        {"Call Number": "7", "Unit ID": "E1", "Call Type": "Fire", "Received DtTm": T1,
         "Dispatch DtTm": T1, "Response DtTm": T1, "On Scene DtTm": T2, "Available DtTm": T3,
         "Battalion": "B1", "Final Priority": "3", "Call Type Group": "Alarm",
         "NeighborhooDistrict": "Hill"},
    ),
    (
        "sf_fire",
        {"call_number": "7", "unit_id": "E1", "call_type": "Fire", "received_dttm": A1,
         "dispatch_dttm": A1, "response_dttm": A1, "on_scene_dttm": A2, "available_dttm": A3,
         "battalion": "B1", "final_priority": "3", "call_type_group": "Alarm",
         "neighborhoods_analysis_boundaries": "Hill"},
    ),
    ("sf_fire", {"CallNumber": "7", "UnitID": "E1", "CallType": "Fire", "ReceivedDtTm": A1}),
    (
        "nyc311",
        {"Unique Key": "7", "Created Date": T1, "Closed Date": T2, "Agency": "X",
         "Complaint Type": "Noise", "Descriptor": "Loud", "Due Date": T3, "Borough": "B",
         "Open Data Channel Type": "PHONE"},
    ),
    (
        "nyc311",
        {"unique_key": "7", "created_date": A1, "closed_date": A2, "agency": "X",
         "complaint_type": "Noise", "descriptor": "Loud", "due_date": A3, "borough": "B"},
    ),
    (
        "nyc311",
        {"Unique Key": "7", "Created Date": T1, "Closed Date": T2, "Agency": "X",
         "Problem (formerly Complaint Type)": "Noise",
         "Problem Detail (formerly Descriptor)": "Loud", "Borough": "B"},
    ),
    (
        "seattle_police_911",
        {"CAD CDW ID": "7", "Event Clearance Date": T3, "At Scene Time": T2,
         "Event Clearance Group": "G", "Event Clearance Description": "D", "District/Sector": "K"},
    ),
    (
        "seattle_police_911",
        {"cad_cdw_id": "7", "event_clearance_date": A3, "at_scene_time": A2,
         "event_clearance_group": "G", "event_clearance_description": "D", "district_sector": "K"},
    ),
    (
        "seattle_call_data",
        {"CAD Event Number": "7", "Original Time Queued": T1, "Arrived Time": T2,
         "Final Call Type": "F", "Initial Call Type": "I", "Sector": "K", "Call Type": "911",
         "Priority": "2"},
    ),
    (
        "seattle_call_data",
        {"cad_event_number": "7", "cad_event_original_time_queued": A1,
         "cad_event_arrived_time": A2, "final_call_type": "F", "initial_call_type": "I",
         "dispatch_sector": "K", "priority": "2"},
    ),
    (
        "montgomery",
        {"lat": "1.0", "lng": "2.0", "desc": "d", "zip": "", "title": "EMS: FALL",
         "timeStamp": B1, "twp": "T", "addr": "A", "e": "1"},
    ),
    (
        "montgomery",
        {"latitude": "1.0", "longitude": "2.0", "description": "d", "title": "EMS: FALL",
         "time_stamp": A1, "township": "T", "address": "A"},
    ),
    ("messages_zh", {"留言编号": "7", "留言主题": "A3区路灯", "留言时间": "2017/1/5 22:11"}),
    ("messages_zh", {"留言编号": "7", "留言主题": "A3区路灯", "留言时间": A1}),
]  # fmt: skip


def loaded(
    mapping: str, row: dict[str, str], folder: Path
) -> tuple[history.Imported, HistoryMonth]:
    """Import one invented *row*; returns what was done and January 2017."""
    file = folder / "any.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(row))
        writer.writeheader()
        writer.writerow(row)
    read = history.read_mapping(MAPPINGS / f"{mapping}.yaml")
    done = history.load(file, read, "town", folder / "h", lambda _: None)
    with history.opened(folder / "h", write=False) as db:
        return done, month(db, "2017-01", None, None)


@pytest.mark.parametrize(("mapping", "row"), EDITIONS)
def test_every_edition_of_a_data_set_is_read(
    tmp_path: Path, mapping: str, row: dict[str, str]
) -> None:
    """Renamed, lower-case and absent columns, ISO stamps: nothing is refused, nothing mislaid."""
    done, found = loaded(mapping, row, tmp_path)

    assert (1, {}) == (done.cases, done.rejected)
    assert 1 == found.total.counts.cases
    assert all(part.value for parts in found.by.values() for part in parts)


@pytest.mark.parametrize("mapping", sorted({name for name, _ in EDITIONS}))
def test_two_editions_say_the_same(tmp_path: Path, mapping: str) -> None:
    """The download and the interface's file of one case give the same case and the same month."""
    first, second = [row for name, row in EDITIONS if name == mapping][:2]
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()

    assert loaded(mapping, first, one)[1].total == loaded(mapping, second, other)[1].total


@pytest.mark.parametrize("path", sorted(MAPPINGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_example_is_bound_to_one_file(path: Path) -> None:
    """Other months use the same mapping: what depends on the file (as-of) is said by an option."""
    assert history.read_mapping(path).as_of is None


def test_columns_a_file_lacks_are_told(tmp_path: Path) -> None:
    """Optional is not silent: the report of the import names what was not there."""
    done, _ = loaded("sf_fire", EDITIONS[6][1], tmp_path)

    assert {"On Scene DtTm", "Battalion", "Final Priority"} <= set(done.absent)


def test_signs_and_letter_case_do_not_part_names() -> None:
    """`Received DtTm`, `received_dttm` and `ReceivedDtTm` are one name; two of them are none."""
    mapping = history.read_mapping(MAPPINGS / "montgomery.yaml")
    names = ["LAT", "Lng", "desc", "TITLE", "time stamp", "twp", "addr"]

    assert 4 == placed(names, mapping)[1]["timeStamp"]


@pytest.mark.parametrize("quoted", [False, True])
@pytest.mark.parametrize("tail", [b"", b"\n\n"])
def test_lines_that_end_in_two_ways(tmp_path: Path, tail: bytes, *, quoted: bool) -> None:
    """Two extracts put behind each other: every row is read, none is refused."""
    last = '"x\r\n, ""y"""' if quoted else "x"
    lines = [f"{n},2015-11-02 08:00:00,{last}" for n in range(40)]
    unix = "\n".join(lines[20:]).encode()
    body = "\r\n".join(["no,in,where", *lines[:20], ""]).encode() + unix + b"\n" + tail
    (tmp_path / "both.csv").write_bytes(body)
    mapping = replace(
        history_files.ROWS,
        columns=Columns(received="in", area="where"),
        label=None,
        within=Within(),
    )
    done = history_files.load(tmp_path / "both.csv", tmp_path / "h", mapping)

    assert (40, {}) == (done.cases, done.rejected)


def test_a_quote_that_is_never_closed_is_told(tmp_path: Path) -> None:
    """Of a file that has to be rewritten: by name, not by a traceback."""
    body = b'no,in,where\r\n1,2015-11-02 08:00:00,"x\n' + b"y\n" * 100_000
    (tmp_path / "open.csv").write_bytes(body)
    mapping = replace(
        history_files.ROWS,
        columns=Columns(received="in", area="where"),
        label=None,
        within=Within(),
    )
    with pytest.raises(HistoryRefused, match="a quote is opened and not closed"):
        history_files.load(tmp_path / "open.csv", tmp_path / "h", mapping)


@pytest.mark.parametrize("written", ["2015-11-02 13:00:00+00", "2015-11-02 08:00:00-05"])
def test_an_edition_with_offsets_of_hours(tmp_path: Path, written: str) -> None:
    """The text's own offset goes before the zone."""
    mapping = replace(history_files.ROWS, time_formats=["%Y-%m-%d %H:%M:%S%z"])
    file = history_files.written(tmp_path / "a.csv", [history_files.row(in_=written)])
    history_files.load(file, tmp_path / "h", mapping)
    with history.opened(tmp_path / "h", write=False) as db:
        found = db.execute("SELECT received FROM cases").fetchall()

    assert [(datetime(2015, 11, 2, 13),)] == found  # noqa: DTZ001 - stored as UTC without a zone
