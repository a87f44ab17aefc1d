"""How far the shards' loading is, as INFO shows it while clients are answered -LOADING."""

from __future__ import annotations

from typing import Any


class Loading:
    """Collects what shards say (shard/progress.py); sums are over all shards."""

    def __init__(self, started_ms: int):
        self.started_ms = started_ms
        self.shards: dict[int, dict[str, Any]] = {}

    def heard(self, shard: int, said: dict[str, Any]) -> None:
        """A shard's word: {"total", "loaded" (bytes), "keys", "bytes_per_s"}."""
        self.shards[shard] = said

    def fields(self) -> dict[str, Any]:
        """INFO's loading_* fields; `loading_eta_seconds` is that of the slowest shard."""
        total = sum(said["total"] for said in self.shards.values())
        loaded = sum(said["loaded"] for said in self.shards.values())
        left_s = [
            (said["total"] - said["loaded"]) / max(said["bytes_per_s"], 1)
            for said in self.shards.values()
            if said["loaded"]
        ]
        return {
            "loading_start_time": self.started_ms // 1000,
            "loading_total_bytes": total,
            "loading_loaded_bytes": loaded,
            "loading_loaded_perc": f"{100 * loaded / total if total else 0:.2f}",
            "loading_loaded_keys": sum(said["keys"] for said in self.shards.values()),
            "loading_bytes_per_sec": sum(said["bytes_per_s"] for said in self.shards.values()),
            "loading_eta_seconds": round(max(left_s, default=1)),
        }
