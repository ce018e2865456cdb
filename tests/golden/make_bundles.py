"""Write the stored bundles of wire v1 again; `tools/make_golden.py` calls it. A changed byte is a changed wire."""

from pathlib import Path

from made_bundles import archive

from dashlight.model import Policy

HERE = Path(__file__).parent


def wanted():
    """Return the stored files by name."""
    return {
        "bundle-fleet.tar": archive(3),
        "bundle-open.tar": archive(1, policy=Policy.OPEN, attribution="Zoë M.", license_id="CC-BY-4.0"),
        "bundle-personal.tar": archive(2, policy=Policy.PERSONAL),
    }


def write():
    """Write every stored file of this kind."""
    for name, content in wanted().items():
        (HERE / name).write_bytes(content)
