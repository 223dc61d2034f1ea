"""The sidecar of a result."""

import json
from importlib import metadata
from pathlib import Path

import pytest

from grover_probe import provenance


def test_versions_are_of_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "_REPORTED", ("numpy", "a-package-that-nobody-has"))
    found = provenance.versions()
    assert found["numpy"] == metadata.version("numpy")
    assert set(found) == {"python", "grover_probe", "numpy"}


def test_packages_are_named_as_they_are_installed() -> None:
    """A name that is imported, such as sklearn, is not found by its metadata and would be missing without a word."""
    for name in ("scikit-learn", "umap-learn", "biopython"):
        assert name in provenance._REPORTED
    assert not {"sklearn", "umap", "Bio"} & set(provenance._REPORTED)


def test_a_record_says_what_a_result_was_made_from(tmp_path: Path) -> None:
    given = tmp_path / "given.bed"
    given.write_text("chr1\t0\t10\n", encoding="utf-8")
    provenance.write_run(
        tmp_path / "x.run.json",
        inputs={"regions": provenance.describe_file(given)},
        parameters={"seed": 1, "folder": Path("a")},
        outputs={"x.tsv": "ab"},
    )
    record = json.loads((tmp_path / "x.run.json").read_text(encoding="utf-8"))
    assert record["inputs"]["regions"]["name"] == "given.bed"
    assert record["inputs"]["regions"]["bytes"] == 10
    assert len(record["inputs"]["regions"]["sha256"]) == 64
    assert record["parameters"] == {"seed": 1, "folder": "a"}
    assert record["outputs"] == {"x.tsv": "ab"}
    assert record["machine"]["cores"] >= 1
