"""The words people read: short, clear, Chinese; never a caller or a narrative."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from shared.contracts.notice import Purpose
from shared.contracts.pack import Channel, Pack, Recipient
from shared.contracts.sla import ClockKind
from shared.contracts.values import Lane

PLACE_LENGTH = 40
"""Longer places are cut: a text stays within three SMS parts of 67 characters."""

CLOCKS: Mapping[ClockKind, str] = {
    ClockKind.ACCEPT: "受理",
    ClockKind.DISPATCH: "派警",
    ClockKind.ACK: "签收",
    ClockKind.TURNOUT: "出动",
    ClockKind.ARRIVAL: "到场",
    ClockKind.ASSEMBLY: "集结",
    ClockKind.HANDLE: "处置",
    ClockKind.FEEDBACK: "反馈",
    ClockKind.VERIFY: "核查",
    ClockKind.REPORT_FIRST: "首报",
}
KINDS: Mapping[Purpose, str] = {
    Purpose.WARNING: "时限提醒",
    Purpose.BREACH: "超时通知",
    Purpose.CORRECTION: "更正",
    Purpose.LEADERS: "警情报告",
    Purpose.FALLBACK: "未送达提示",
}
LANES: Mapping[str, str] = {Lane.URGENT: "紧急", Lane.ORDINARY: "一般"}
LISTED = 5
"""So many are named in one text; of the others only the number."""
CHANNELS: Mapping[str, str] = {Channel.SMS: "短信", Channel.WEBHOOK: "系统推送"}


def head(*, exercise: bool) -> str:
    """Return the signature; an exercise says so in its first word (P32)."""
    return "【联动演练】" if exercise else "【联动】"


def what(
    pack: Pack, number: str, category: str | None, severity: int | None, area: str | None
) -> str:
    """Return number, kind, grade and area: all that anybody but the assigned units learns."""
    kind = pack.category(category).name if category else ""
    grade = f"{severity}级" if severity else ""
    known = pack.area_by_code.get(area or "")
    parts = (number, f"{kind}{grade}", known.name if known else "")
    return " ".join(part for part in parts if part)


def place(text: str) -> str:
    """Return the place as it fits into a text."""
    words = " ".join(text.split())
    return words if len(words) <= PLACE_LENGTH else words[: PLACE_LENGTH - 1] + "…"


def at(pack: Pack, moment: datetime) -> str:
    """Return *moment* as a clock on the region's wall, with its day: `11月22日08:05`."""
    local = moment.astimezone(pack.region.zone)
    return f"{local.month}月{local.day}日{local:%H:%M}"


def minutes_text(seconds: float) -> str:
    """Return a limit in the unit a person would say it in."""
    if seconds % 3600 == 0:
        return f"{seconds / 3600:.0f}小时"
    return f"{seconds / 60:.0f}分钟" if seconds % 60 == 0 else f"{seconds:.0f}秒"


def order(purpose: Purpose, about: str, where: str, limit: str, *, again: bool = False) -> str:
    """Return the body of an order to a unit (R12)."""
    if purpose is Purpose.RELEASE:
        return f"任务解除：{about}，请停止出动或撤收。"
    if purpose is Purpose.STANDBY:
        return f"待命：{about}，请做好增援准备，出动前先签收。"
    if again:
        return f"重新处置：{about} {where}".rstrip() + "，请按核查意见继续办理。"
    return f"处警：{about} {where}".rstrip() + f"，请立即签收出动{limit}。"


def leaders(about: str, units: Iterable[str]) -> str:
    """Return the report to leaders (R17)."""
    sent = "、".join(units)
    return f"警情报告：{about}" + (f"，已派{sent}。" if sent else "。")


def shortfall(about: str, missing: Iterable[str]) -> str:
    """Return what the desk reads when nobody on duty has a needed capability."""
    return f"力量缺口：{about}，无在岗队伍具备{'、'.join(missing) or '所需能力'}，请人工调派。"


def warning(about: str, clock: ClockKind, due: str) -> str:
    """Return the reminder before a limit ends."""
    return f"时限提醒：{about}，请于{due}前完成{CLOCKS.get(clock, '办理')}。"


def breach(to: Recipient, about: str, clock: ClockKind, due: str, unit: str) -> str:
    """Return the reminder to the unit (催办), the word to others, or the call to the backup."""
    name = CLOCKS.get(clock, "办理")
    if to is Recipient.UNIT:
        return f"催办：{about}，{name}时限{due}已过，请立即{name}并报告。"
    if to is Recipient.STANDBY:
        return f"增援预告：{about}，{unit}未按时{name}，请准备出动，签收即投入。"
    return f"督办：{about}，{unit or '指挥中心'}{name}超时（应于{due}前完成）。"


def correction(about: str, clock: ClockKind, unit: str) -> str:
    """Return what those hear who were told of a breach that was none."""
    name = CLOCKS.get(clock, "办理")
    return f"更正：{about}，经核实{unit or '指挥中心'}已按时{name}，前发超时通知撤销。"


def fallback(number: str, recipient: str, channel: str, purpose: Purpose) -> str:
    """Return what the desk reads when a channel was given up."""
    way = CHANNELS.get(channel, channel)
    kind = "处警指令" if purpose is Purpose.DISPATCH else "通知"
    return f"未送达：{number} 发给{recipient}的{kind}（{way}）多次未送达，请改用电话。"


def alarm(reports: Sequence[tuple[str, str, Mapping[str, int]]], *, digest: bool) -> str:
    """Return an alarm about the platform: (kind, subject, times by reason) of each thing that is wrong."""
    said = [_fault(*each) for each in reports[:LISTED]]
    more = f"等{len(reports)}项" if len(reports) > LISTED else ""
    head = "平台告警汇总" if digest else "平台告警"
    return f"{head}：{'；'.join(said)}{more}，请立即检查。"


def _fault(kind: str, subject: str, counts: Mapping[str, int]) -> str:
    times = sum(counts.values())
    if kind == "sla_silent":
        return (
            f"时限服务（{LANES.get(subject, subject)}）{'、'.join(counts)}无心跳，超时提醒可能停止"
        )
    if kind == "consumer_halted":
        return f"{subject}已停止处理、等待人工{f'（{times}次）' if times > 1 else ''}"
    reasons = "、".join(f"{reason}{n if len(counts) > 1 else ''}" for reason, n in counts.items())
    return f"{subject}有{times}条消息无法处理、已转入死信（{reasons}）"


def digest(counts: Mapping[Purpose, int], numbers: Sequence[str]) -> str:
    """Return what stands for messages that an outage made late: how many of which kind, about what."""
    kinds = "、".join(f"{KINDS.get(purpose, '通知')}{times}件" for purpose, times in counts.items())
    shown = "、".join(numbers[:LISTED])
    more = f"等{len(numbers)}起" if len(numbers) > LISTED else ""
    return f"积压汇总：故障期间未能及时发出{kinds}，涉及{shown}{more}，请逐件核对并补办。"
