"""Checks a region pack wholly: `python -m deploy.regions.check xianju`."""

import sys
from pathlib import Path

from shared.contracts.pack import PUBLIC_KINDS, Pack
from shared.runtime.packs import PackRefusedError, load_pack

REGIONS = Path(__file__).parent


def main(names: list[str]) -> int:
    """Check the packs called *names*, or all; print what each holds or every fault. 0: all are usable."""
    known = sorted(folder.name for folder in REGIONS.iterdir() if (folder / "region.yaml").exists())
    unknown = sorted(set(names) - set(known))
    if unknown:
        print(f"no such region: {', '.join(unknown)}; there are: {', '.join(known)}")
        return 2
    return max((_check(REGIONS / name) for name in names or known), default=0)


def _check(folder: Path) -> int:
    try:
        print(summary(load_pack(folder)))
    except PackRefusedError as refused:
        print(refused)
        return 1
    return 0


def summary(pack: Pack) -> str:
    """Return what the pack holds in a few lines."""
    counted = [unit for unit in pack.units if not unit.ours]
    public = sum(unit.kind in PUBLIC_KINDS for unit in counted)
    return "\n".join(
        (
            f"{pack.region.code} {pack.region.name} {pack.stamp}: usable",
            f"  {len(pack.areas)} areas, {len(pack.departments)} departments, {len(pack.posts)} posts",
            f"  {len(counted)} teams ({public} public), {len(pack.units) - len(counted)} units of ours",
            f"  {len(pack.categories)} categories, {len(pack.sources)} sources",
            f"  rules: {' '.join(rule.stamp for rule in pack.clocks)}",
        )
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
