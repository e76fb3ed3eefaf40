"""Chinese words of what follows the handling: stages, levels, media, faults, rungs of supervision."""

from __future__ import annotations

from collections.abc import Mapping

from shared.contracts.supervision import SupervisionKind
from shared.contracts.upward_report import Authority, Medium, ReportField, ReportStage

STAGES: Mapping[str, str] = {
    ReportStage.FIRST: "首报",
    ReportStage.FOLLOW_UP: "续报",
    ReportStage.FINAL: "终报",
}
LEVELS: Mapping[str, str] = {
    Authority.COUNTY: "县级",
    Authority.CITY: "市级",
    Authority.PROVINCE: "省级",
    Authority.STATE: "国家级",
}
MEDIA: Mapping[str, str] = {
    Medium.PHONE: "电话",
    Medium.WRITTEN: "书面",
    Medium.SYSTEM: "系统",
}
FIELDS: Mapping[str, str] = {
    ReportField.TIME: "时间",
    ReportField.PLACE: "地点",
    ReportField.NATURE: "性质",
    ReportField.DEVELOPMENTS: "现场动态",
    ReportField.AFTERMATH: "善后",
}
FAULTS: Mapping[str, str] = {
    "missed": "漏报",
    "concealed": "瞒报",
    "false": "谎报",
    "late": "缓报",
}
SUPERVISIONS: Mapping[str, str] = {
    SupervisionKind.TIMEOUT: "超时督办",
    SupervisionKind.LEADER: "领导批示",
    SupervisionKind.KEY_CASE: "重点案件",
}
RUNGS: Mapping[str, str] = {"1": "催办", "2": "督办", "3": "通报"}
