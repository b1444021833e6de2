"""A running `lastout run` with a configuration file, and what `ps` says of its containers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Sequence

from . import lastout
from .agent import GRACE, SETTLE, Agent
from .container import Container
from .deadline import wait_until
from .runtime import StateDirs
from .service import Service
from .stream import Record


TIMES = {"settle": SETTLE, "restart_settle": SETTLE}


def configuration(
    init: str,
    state_dirs: StateDirs,
    match: dict[str, list[str]] | None = None,
    policies: list[dict[str, Any]] | None = None,
    **settings: Any,
) -> str:
    """JSON is YAML. The policy is that of the other tests: inits with the name of this one.

    match: what it goes by instead; policies: others instead of it; settings are more keys of the agent's section.
    """
    directories = {key: [str(path) for path in paths] for key, paths in state_dirs.items()}
    return json.dumps(
        {
            "version": 1,
            "agent": {"state_dirs": directories, **settings},
            "defaults": {"grace": GRACE},
            "policies": policies
            or [{"name": "live", "match": match or {"init": [init]}, **TIMES}],
        }
    )


class ConfiguredAgent(Agent):
    def __init__(
        self,
        run_dir: Path,
        init: str,
        state_dirs: StateDirs,
        pin: Path | str = "none",
        command: Sequence[str | Path] = (),
        is_stalled: bool = False,
        **settings: Any,
    ) -> None:
        """settings are more keys of the agent's section; the others as those of Service."""
        run_dir.mkdir(exist_ok=True)
        self.config = run_dir / "config.yaml"
        self.config.write_text(configuration(init, state_dirs, pin=str(pin), **settings))
        self.socket = run_dir / "lastout.sock"
        Service.__init__(
            self,
            *("run", "--config", str(self.config), "--socket", str(self.socket)),
            *("--log", "json", "--verbose"),
            command=command,
            is_stalled=is_stalled,
        )

    def await_listed(self, container: Container) -> Record:
        """Its line in ps, once the runtime has written down what there is to know."""

        def listed() -> Record | None:
            lines = lastout.call("ps", "-o", "json", "--socket", self.socket).stdout.splitlines()
            records = map(json.loads, lines)
            return next((record for record in records if record["id"] == container.id), None)

        return wait_until(f"{container.id} in ps", listed)

    def await_name(self, container: Container) -> Record:
        def named() -> Record | None:
            record = self.await_listed(container)
            return record if record["name"] else None

        return wait_until(f"a name of {container.id} in ps", named)
