"""Puts pages, their files and the plugin into a wheel; an editable install reads those of the checkout."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_CARRIED = ("templates", "static", "integrations")


class CarryingHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            build_data["force_include"] |= {name: f"screener/carried/{name}" for name in _CARRIED}
