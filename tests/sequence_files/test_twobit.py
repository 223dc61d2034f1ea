"""Writing 2bit: what py2bit reads back is what went in, masks and N runs included."""

import numpy as np
import py2bit
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grover_probe.errors import InputError
from grover_probe.sequence_files.twobit import runs, write_2bit

BASES = st.text(alphabet="ACGTNacgtn", min_size=1, max_size=200)
NAMES = st.text(alphabet="abcXYZ019_.", min_size=1, max_size=30)


def read_back(path):
    handle = py2bit.open(str(path), True)
    try:
        found = {name: handle.sequence(name) for name in handle.chroms()}
    finally:
        handle.close()
    return found


@given(sequences=st.dictionaries(NAMES, BASES, min_size=1, max_size=4))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reads_back_as_written(tmp_path, sequences):
    path = tmp_path / "x.2bit"
    write_2bit(path, sequences)
    # py2bit gives N in upper case whether masked or not
    assert read_back(path) == {name: bases.replace("n", "N") for name, bases in sequences.items()}


@pytest.mark.parametrize("given", ["ACGTacgtN", b"ACGTacgtN", np.frombuffer(b"ACGTacgtN", dtype=np.uint8)])
def test_accepts_text_bytes_and_arrays(tmp_path, given):
    write_2bit(tmp_path / "x.2bit", {"a": given})
    assert read_back(tmp_path / "x.2bit") == {"a": "ACGTacgtN"}


def test_iupac_letters_become_n(tmp_path):
    write_2bit(tmp_path / "x.2bit", {"a": "ARCyG"})
    assert read_back(tmp_path / "x.2bit") == {"a": "ANCNG"}


def test_layout_of_a_small_file(tmp_path):
    write_2bit(tmp_path / "x.2bit", {"ab": "TCAGN"})
    words = [0x1A412743, 0, 1, 0]
    index = b"\x02ab" + (16 + 7).to_bytes(4, "little")
    record = [5, 1, 4, 1, 0, 0]  # length; one N block at 4 of size 1; no mask; reserved
    expected = b"".join(w.to_bytes(4, "little") for w in words) + index
    expected += b"".join(w.to_bytes(4, "little") for w in record) + bytes([0b00011011, 0])
    assert (tmp_path / "x.2bit").read_bytes() == expected


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ({}, "at least one sequence"),
        ({"": "ACGT"}, "does not fit"),
        ({"x" * 256: "ACGT"}, "does not fit"),
        ({"a": "ACG T"}, "sequence a, base 3: ' ' is not a letter"),
        ({"a": "ACG-"}, "base 3"),
    ],
)
def test_refuses_what_the_format_cannot_hold(tmp_path, sequences, message):
    with pytest.raises(InputError, match=message):
        write_2bit(tmp_path / "x.2bit", sequences)
    assert list(tmp_path.iterdir()) == []


@given(flags=st.lists(st.booleans(), max_size=60))
def test_runs_rebuild_the_flags(flags):
    flags = np.array(flags, dtype=bool)
    rebuilt = np.zeros(len(flags), dtype=bool)
    starts, sizes = runs(flags)
    for start, size in zip(starts, sizes, strict=True):
        assert size > 0
        assert not rebuilt[max(start - 1, 0) : start + size].any(), "runs touch"
        rebuilt[start : start + size] = True
    assert (rebuilt == flags).all()
