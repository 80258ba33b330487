"""How much of a storm this machine can drive."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from measures import python_environment
from reviews import UID
from storm_oracle import kinds_of, policy_object
from storm_run import RATE
from storm_site import GateSettings, StormSite

HERE = Path(__file__).parent

FULL_LOAD_SHARE = 0.2
"""Of what one gate gets done here when it is all that runs: the storm has more to feed."""


async def calibrated(site: StormSite) -> tuple[float, float]:
    """Return what one gate gets done alone here, reviews/s, and the rate of storms from that."""
    await site.push(20)
    site.write_policy(policy_object(0, site.host))
    kinds, by_image = kinds_of(site.images)
    bodies = [kinds[by_image[i][0]].body for i in range(0, 20, 2) if i % 5 > 1]
    requests = []
    for i, body in enumerate(bodies):
        path = site.folder / f"calibrate-{i}.json"
        path.write_bytes(body)
        requests.append(
            {
                "body": str(path),
                "uid": UID,
                "allowed": True,
                "says": "",
                "echoes_uid": True,
                "weight": 1,
            }
        )
    async with site.gates([GateSettings()]) as [gate]:
        plan = {
            "port": gate.process.port,
            "ca": str(site.bundle(site.authority("authority"))),
            "server_pid": gate.process.pid,
            "rate": 0,
            "seconds": 2.0,
            "seed": 1,
            "requests": requests,
        }
        path = site.folder / "calibrate.json"
        path.write_text(json.dumps(plan))
        ran = await asyncio.create_subprocess_exec(
            sys.executable,
            str(HERE / "generator.py"),
            str(path),
            env=python_environment(),
            stdout=subprocess.PIPE,
        )
        out, _ = await ran.communicate()
    found = json.loads(out)
    if found["faults"]:
        raise RuntimeError(f"while calibrating: {found['first_fault']}")
    full = found["answers"] / found["seconds"]
    return full, max(20.0, min(float(RATE), round(full * FULL_LOAD_SHARE, -1)))
