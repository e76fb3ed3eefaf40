"""The five monthly ones to read, to tick and to sign."""

from __future__ import annotations

from services.reports.domain.bulletin_document import signature
from services.reports.domain.checklist import Checklist, Duty, Item, Proof
from services.reports.domain.cover import covered
from services.reports.domain.document import Cell, Column, Document, Grid, Unit
from services.reports.domain.wording import Text, listed, say

_DUTIES = {
    Duty.CHECK: "一月一排查",
    Duty.LEDGER: "一月一台账",
    Duty.MEETING: "一月一例会",
    Duty.ASSIGNMENT: "一月一交办",
    Duty.BULLETIN: "一月一通报",
}
_PROOFS = {
    Proof.DONE: "☑ 已完成",
    Proof.NOT_DONE: "☐ 未完成",
    Proof.BY_HAND: "☐ 人工勾选",
}
_BLANK = "　"


def checklist_document(report: Checklist) -> Document:
    """Return the checklist as one small table with blanks."""
    return covered(
        report.heading,
        summary=[_summary(report)],
        grids=[
            Grid(
                name=say("五个一"),
                caption=say("“五个一”完成情况"),
                columns=[
                    Column(name=say(name), unit=Unit.TEXT)
                    for name in ("事项", "平台记录", "依据", "文号（人工填写）", "日期（人工填写）")
                ],
                rows=[_row(item) for item in report.items],
            )
        ],
        footnotes=[
            say(
                "通报：本月已定稿（freeze）；台账：定稿中存有逐件超期清单（T5）。"
                "排查、例会、交办不在平台内进行，由人工勾选并填写文号，不填个人姓名。"
            )
        ],
        signature=signature(),
    )


def _summary(report: Checklist) -> Text:
    missing = [say(_DUTIES[i.id]) for i in report.items if i.proof is Proof.NOT_DONE]
    if not missing:
        return say("平台可证明的各项均已完成，其余由人工勾选。")
    return say("平台尚无记录：{missing}。", missing=listed(missing))


def _row(item: Item) -> list[Cell]:
    by_hand = item.proof is Proof.BY_HAND
    proof: Cell = _BLANK
    if item.at is not None:
        proof = say(
            "第 {revision} 版，{at}，SHA-256 {sha256}…",
            revision=item.revision,
            at=f"{item.at:%Y-%m-%d %H:%M}",
            sha256=(item.sha256 or "")[:12],
        )
    date = _BLANK if by_hand or item.at is None else f"{item.at:%Y-%m-%d}"
    return [say(_DUTIES[item.id]), say(_PROOFS[item.proof]), proof, _BLANK, date]
