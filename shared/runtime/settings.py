"""Settings: read once from `LIANDONG_<SERVICE>_*`, frozen, every field described."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta


class Secret:
    """A value that shows itself only when asked (`reveal`), never in a log or an error."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Secret(***)"

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value


class SettingsError(ValueError):
    """A setting is missing or malformed; the message names the variable and what it is for."""


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every service needs; a service adds its own fields."""

    kafka: Annotated[str, Meta(description="broker address, host:port")]
    database: Annotated[Secret, Meta(description="DSN of the role <service>_app")]
    region_dir: Annotated[Path, Meta(description="folder of the region pack")]
    secrets: Annotated[Path, Meta(description="file (mode 0600) with this service's own secrets")]
    host: Annotated[
        str, Meta(description="address to listen on; loopback unless told otherwise")
    ] = "127.0.0.1"
    port: Annotated[int, Meta(description="port to listen on; 0 takes a free one")] = 0
    instance: Annotated[str, Meta(description="name of this process, stable over restarts")] = "1"
    endpoint_file: Annotated[
        Path | None, Meta(description="where to write the address listened on, as JSON")
    ] = None
    log_level: Annotated[str, Meta(description="debug, info, warning or error")] = "info"


S = TypeVar("S", bound=ServiceSettings)


def _decode(kind: type, value: Any) -> Any:
    return Secret(value) if kind is Secret else kind(value)


def read(kind: type[S], service: str, environ: Mapping[str, str]) -> S:
    """Return the settings of *service*; raises SettingsError naming every missing variable."""
    prefix = f"LIANDONG_{service.upper()}_"
    values = {k.removeprefix(prefix).lower(): v for k, v in environ.items() if k.startswith(prefix)}
    described = {f.encode_name: f for f in msgspec.structs.fields(kind)}
    missing = [n for n, f in described.items() if f.required and n not in values]
    if missing:
        raise SettingsError(
            "set "
            + ", ".join(f"{prefix}{n.upper()} ({_description(described[n].type)})" for n in missing)
        )
    unknown = sorted(set(values) - set(described))
    if unknown:
        raise SettingsError(
            f"unknown setting {prefix}{unknown[0].upper()}: remove it or correct its name"
        )
    try:
        return msgspec.convert(values, kind, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{prefix}*: {error}") from None


def _description(annotation: Any) -> str:
    return next((m.description or "" for m in getattr(annotation, "__metadata__", ())), "")
