"""The Job that a rule becomes on Kubernetes. No cluster: what is sent, and how answers are read."""

import importlib.util
import json

import pytest

from tests.workflow.conftest import ROOT


@pytest.fixture(scope="module")
def job():
    path = ROOT / "analyses" / "profiles" / "kubernetes" / "job.py"
    spec = importlib.util.spec_from_file_location("kubernetes_job", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def script(tmp_path):
    """As Snakemake writes it."""
    told = {"type": "single", "rule": "extract_control", "threads": 16, "resources": {"mem_mb": 12717, "gpu": 4}}
    path = tmp_path / "snakejob.extract_control.7.sh"
    path.write_text(
        f"#!/bin/sh\n# properties = {json.dumps(told)}\ncd /data && python -m snakemake\n", encoding="utf-8"
    )
    return path


USER = {"GROVER_PROBE_IMAGE": "registry.example.org/grover-probe:1", "GROVER_PROBE_CLAIM": "volume"}


def test_a_job_asks_for_what_its_rule_declares(job, script):
    sent = job.manifest(script, USER)
    pod = sent["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    asked = {"cpu": "16", "memory": "12717M", "nvidia.com/gpu": "4"}
    assert container["resources"] == {"requests": asked, "limits": asked}
    assert container["image"] == USER["GROVER_PROBE_IMAGE"]
    assert container["command"] == ["/bin/sh", str(script)]
    assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "volume"}
    assert container["volumeMounts"][0] == {"name": "data", "mountPath": "/data"}
    name = sent["metadata"]["name"]
    assert name.startswith("grover-extract-control-") and len(name) < 63
    assert name != job.manifest(script, USER)["metadata"]["name"]


def test_no_gpu_unless_asked_for(job, script):
    script.write_text('# properties = {"rule": "task", "threads": 1, "resources": {"gpu": 0}}\n', encoding="utf-8")
    sent = job.manifest(script, {**USER, "GROVER_PROBE_MOUNT": "/work"})
    (container,) = sent["spec"]["template"]["spec"]["containers"]
    assert set(container["resources"]["limits"]) == {"cpu", "memory"}
    assert container["volumeMounts"][0]["mountPath"] == "/work"


def test_what_is_missing_is_named(job, script):
    with pytest.raises(SystemExit, match="set GROVER_PROBE_CLAIM"):
        job.manifest(script, {"GROVER_PROBE_IMAGE": "a"})
    with pytest.raises(SystemExit, match="is it one of Snakemake's"):
        job.properties("#!/bin/sh\n")


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], "running"),
        ([{"type": "Complete", "status": "True"}], "success"),
        ([{"type": "FailureTarget", "status": "True"}, {"type": "Failed", "status": "True"}], "failed"),
        ([{"type": "Suspended", "status": "True"}, {"type": "Complete", "status": "False"}], "running"),
    ],
)
def test_states(job, conditions, expected):
    assert job.state({"status": {"conditions": conditions}}) == expected
    assert job.state({}) == "running"
