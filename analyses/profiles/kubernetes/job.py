"""A rule of the workflow as a Kubernetes Job: what Snakemake's cluster-generic plug-in calls to submit and to ask.

    python analyses/profiles/kubernetes/job.py submit JOBSCRIPT     prints the name of the Job
    python analyses/profiles/kubernetes/job.py status NAME          prints running, success or failed

`kubectl` does the talking. All pods mount one volume under the path that it has here, so that the script, the
repository and the results are the same files everywhere.
"""

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KEPT = 86_400  # seconds that a finished Job can be asked for
# Settings of the user; the first two have no default.
IMAGE, CLAIM = "GROVER_PROBE_IMAGE", "GROVER_PROBE_CLAIM"
MOUNT, CACHE, GPU = "GROVER_PROBE_MOUNT", "GROVER_PROBE_CACHE", "GROVER_PROBE_GPU_NAME"


def properties(script: str) -> dict[str, Any]:
    """What Snakemake writes about a job into its script: rule, threads, resources."""
    found = re.search(r"^# properties = (\{.*\})$", script, re.MULTILINE)
    if not found:
        raise SystemExit("error: no line `# properties = ...` in the job script; is it one of Snakemake's?")
    return dict(json.loads(found[1]))


def manifest(script: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """The Job of a job script, for ``kubectl create -f -``."""
    missing = [name for name in (IMAGE, CLAIM) if not environment.get(name)]
    if missing:
        raise SystemExit(f"error: set {missing[0]}; docs/workflow.md says what it is")
    job = properties(script.read_text(encoding="utf-8"))
    rule, needs = job.get("rule") or "group", job.get("resources", {})
    asked = {"cpu": str(job.get("threads", 1)), "memory": f"{needs.get('mem_mb', 4000)}M"}
    if needs.get("gpu"):
        asked[environment.get(GPU, "nvidia.com/gpu")] = str(needs["gpu"])
    mount = environment.get(MOUNT, "/data")
    cache = environment.get(CACHE, f"{mount}/cache")
    mounts = [{"name": "data", "mountPath": mount}, {"name": "memory", "mountPath": "/dev/shm"}]
    container = {
        "name": "rule",
        "image": environment[IMAGE],
        "command": ["/bin/sh", str(script.resolve())],
        "workingDir": str(Path.cwd()),
        "env": [{"name": CACHE, "value": cache}, {"name": "HOME", "value": "/tmp"}],
        "resources": {"requests": asked, "limits": asked},
        "volumeMounts": mounts,
    }
    volumes = [
        {"name": "data", "persistentVolumeClaim": {"claimName": environment[CLAIM]}},
        {"name": "memory", "emptyDir": {"medium": "Memory"}},  # 64 MB, the default, is too little for several GPUs
    ]
    name = f"grover-{rule.replace('_', '-')}-{uuid.uuid4().hex[:8]}"
    labels = {"app": "grover-probe", "rule": rule}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "backoffLimit": 0,  # Snakemake sends it again (`retries`), and the command goes on from its state
            "ttlSecondsAfterFinished": KEPT,
            "template": {
                "metadata": {"labels": labels},
                "spec": {"restartPolicy": "Never", "containers": [container], "volumes": volumes},
            },
        },
    }


def state(job: Mapping[str, Any]) -> str:
    """``running``, ``success`` or ``failed`` from what ``kubectl get job -o json`` says."""
    ended = {each["type"] for each in job.get("status", {}).get("conditions", []) if each["status"] == "True"}
    if "Complete" in ended:
        return "success"
    return "failed" if "Failed" in ended else "running"


def kubectl(*words: str, text: str | None = None) -> str:
    """What ``kubectl`` prints."""
    return subprocess.run(["kubectl", *words], input=text, check=True, capture_output=True, text=True).stdout


def main(verb: str, what: str) -> None:
    """Submit a job script, or print the state of a Job."""
    if verb == "submit":
        job = manifest(Path(what), os.environ)
        kubectl("create", "-f", "-", text=json.dumps(job))
        print(job["metadata"]["name"])
        return
    try:
        print(state(json.loads(kubectl("get", "job", what, "-o", "json"))))
    except subprocess.CalledProcessError as error:
        # A Job that somebody has deleted has failed; a server that does not answer says nothing about it.
        print("failed" if "NotFound" in error.stderr else "running")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("submit", "status"):
        raise SystemExit("usage: job.py submit JOBSCRIPT | job.py status NAME")
    main(*sys.argv[1:])
