"""The results on disk: a JSON file that is written anew whenever something has been measured, so that a run can be taken up again."""
from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

PARTS = ("suite", "growth", "overhead")


class Results:
    """What has been measured under certain settings on a certain machine: a dict of figures for each part."""

    def __init__(self, path: pathlib.Path, settings: dict[str, Any], machine: dict[str, str], fresh: bool = False) -> None:
        self.path = path
        self.data: dict[str, Any] = {"settings": settings, "machine": machine, **{part: {} for part in PARTS}}
        old = {} if fresh else read(path)
        self.resumed = bool(old) and old.get("settings") == settings and old.get("machine") == machine
        if self.resumed:
            self.data = old

    def once(self, part: str, key: str, measure: Callable[[], Any]) -> Any:
        """The figures under a key; measured and saved where there are none yet."""
        if key not in self.data[part]:
            self.data[part][key] = measure()
            self.save()
        return self.data[part][key]

    def save(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(rounded(self.data), indent=1) + "\n", encoding="utf-8")
        os.replace(new, self.path)


def read(path: pathlib.Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    except (OSError, ValueError):
        return {}


def rounded(value: Any) -> Any:
    """The same with floats to five digits."""
    match value:
        case float():
            return float(f"{value:.5g}")
        case dict():
            return {key: rounded(v) for key, v in value.items()}
        case list() | tuple():
            return [rounded(v) for v in value]
    return value
