"""Named reasons why the incident's state machine refuses: in 409 answers, events and metrics."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Wording(NamedTuple):
    """What a person reads."""

    zh: str
    en: str


class Refusal(StrEnum):
    """Why a transition of DOMAIN §3 does not happen; the state stays as it is."""

    NOT_YET = "not_yet"
    WRONG_STATE = "wrong_state"
    INCIDENT_OVER = "incident_over"
    UNKNOWN_ASSIGNMENT = "unknown_assignment"
    ASSIGNMENT_OVER = "assignment_over"
    ALREADY_REPORTED = "already_reported"
    ALREADY_ACTIVE = "already_active"
    ALREADY_ARRIVED = "already_arrived"
    ALREADY_MOVING = "already_moving"
    UNKNOWN_STAMP = "unknown_stamp"
    IN_THE_FUTURE = "in_the_future"
    END_BEFORE_ARRIVAL = "end_before_arrival"
    SHEET_INCOMPLETE = "sheet_incomplete"
    FOLLOW_UP_INCOMPLETE = "follow_up_incomplete"
    PROGRESS_REASON_MISSING = "progress_reason_missing"
    REASON_MISSING = "reason_missing"
    RETURN_TOO_LATE = "return_too_late"
    NO_RETURN_ASKED = "no_return_asked"
    ARBITRATION_NEEDED = "arbitration_needed"
    LEAD_MUST_BE_REASSIGNED = "lead_must_be_reassigned"
    UNKNOWN_UNIT = "unknown_unit"
    SAME_UNIT = "same_unit"
    UNIT_ALREADY_SENT = "unit_already_sent"
    UNITS_ON_THEIR_WAY = "units_on_their_way"
    HANDLING_UNIT = "handling_unit"
    NOT_ALL_REPORTED = "not_all_reported"
    SAME_LANE = "same_lane"
    PURGED = "purged"
    RETENTION_RUNS = "retention_runs"
    ON_HOLD = "on_hold"
    ALREADY_HELD = "already_held"
    NOT_HELD = "not_held"

    @property
    def wording(self) -> Wording:
        """Texts."""
        return WORDINGS[self]


WORDINGS: dict[Refusal, Wording] = {
    Refusal.NOT_YET: Wording("该操作尚未开放", "this transition is not built yet"),
    Refusal.WRONG_STATE: Wording(
        "警情当前状态不允许此操作", "the incident's state does not allow this"
    ),
    Refusal.INCIDENT_OVER: Wording("警情已处置完毕", "the incident is over"),
    Refusal.UNKNOWN_ASSIGNMENT: Wording(
        "该警情没有这项任务", "the incident has no such assignment"
    ),
    Refusal.ASSIGNMENT_OVER: Wording("任务已解除或转派", "the duty was released or moved before"),
    Refusal.ALREADY_REPORTED: Wording("该单位已反馈", "the unit has already fed back"),
    Refusal.ALREADY_ACTIVE: Wording("任务已启动", "the duty is active already"),
    Refusal.ALREADY_ARRIVED: Wording("已到场,无需豁免", "the unit has arrived, nothing to waive"),
    Refusal.ALREADY_MOVING: Wording("已出动,不能退单", "the unit has turned out, it cannot return"),
    Refusal.UNKNOWN_STAMP: Wording("无法识别的时间节点", "this kind of stamp is not known"),
    Refusal.IN_THE_FUTURE: Wording("时间晚于当前时间", "the time lies in the future"),
    Refusal.END_BEFORE_ARRIVAL: Wording(
        "未报到场,不能报处置结束(双反馈)",
        "arrival must be reported, or waived by the desk, before the end",
    ),
    Refusal.SHEET_INCOMPLETE: Wording("反馈单缺少处置结果", "the sheet has no result"),
    Refusal.FOLLOW_UP_INCOMPLETE: Wording(
        "需后续处理的须写明责任单位和责任岗位", "a follow-up names its unit and post"
    ),
    Refusal.PROGRESS_REASON_MISSING: Wording(
        "进展反馈须说明原因", "a progress sheet gives its reason"
    ),
    Refusal.REASON_MISSING: Wording("须说明原因", "a reason is needed"),
    Refusal.RETURN_TOO_LATE: Wording("已过退单时限", "the time for returning it has passed"),
    Refusal.NO_RETURN_ASKED: Wording("该单位没有申请退单", "the unit did not ask to return it"),
    Refusal.ARBITRATION_NEEDED: Wording(
        "第二次退单须经裁定", "a second return goes to arbitration"
    ),
    Refusal.LEAD_MUST_BE_REASSIGNED: Wording(
        "主办单位只能转派,不能直接解除", "the lead is reassigned, not released"
    ),
    Refusal.UNKNOWN_UNIT: Wording("没有该单位", "the region has no such unit"),
    Refusal.SAME_UNIT: Wording("该单位已承担此任务", "the unit has this duty already"),
    Refusal.UNIT_ALREADY_SENT: Wording("该单位已派出", "the unit is sent already"),
    Refusal.UNITS_ON_THEIR_WAY: Wording(
        "已有单位接警,请改为撤销", "a unit has acknowledged: cancel it instead"
    ),
    Refusal.HANDLING_UNIT: Wording(
        "处置单位不得核查本单位的警情", "the handling unit may not check its own work"
    ),
    Refusal.NOT_ALL_REPORTED: Wording(
        "尚有单位未反馈", "a lead or support has not reported and was not released"
    ),
    Refusal.SAME_LANE: Wording("已在该线路办理", "it is handled on that line already"),
    Refusal.PURGED: Wording(
        "保存期已满,地点和文字已清除", "its retention has ended: place and text are gone"
    ),
    Refusal.RETENTION_RUNS: Wording("保存期未满", "its retention has not ended"),
    Refusal.ON_HOLD: Wording("已留存,不得清除", "it is held and may not be purged"),
    Refusal.ALREADY_HELD: Wording("已为该目的留存", "it is held for this purpose already"),
    Refusal.NOT_HELD: Wording("未为该目的留存", "it is not held for this purpose"),
}
