"""Components against SVD, maps by their trustworthiness, trees against scipy; what does not change a result."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import cophenet, leaves_list, linkage
from scipy.spatial.distance import pdist, squareform
from sklearn.decomposition import PCA

from grover_probe.errors import InputError
from grover_probe.maps.reduce import cluster_tree, principal_components, sample_rows, trust, umap_coordinates


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 8)) * [5, 3, 2, 1, 1, 0.5, 0.2, 0.1] + 10


@pytest.fixture(scope="module")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    """Four groups far apart in twelve dimensions."""
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(4), 40)
    return rng.normal(size=(4, 12))[group] * 8 + rng.normal(size=(160, 12)), group


class TestComponents:
    @pytest.mark.parametrize("scale", [False, True])
    def test_against_svd_and_scikit_learn(self, vectors, scale):
        rows = (vectors - vectors.mean(0)) / (vectors.std(0) if scale else 1)
        left, values, _ = np.linalg.svd(rows, full_matrices=False)
        found = principal_components(vectors, 5, scale=scale)
        np.testing.assert_allclose(np.abs(found.scores), np.abs(left * values)[:, :5], atol=1e-9)
        np.testing.assert_allclose(found.explained, (values**2 / (values**2).sum())[:5])
        other = PCA(5, svd_solver="full").fit(rows)
        np.testing.assert_allclose(np.abs(found.loadings), np.abs(other.components_), atol=1e-9)
        np.testing.assert_allclose(rows @ found.loadings.T, found.scores, atol=1e-9)

    def test_many_rows_give_the_same_as_few_dimensions_solver(self):
        rows = np.random.default_rng(2).normal(size=(500, 6)) @ np.diag([6, 5, 4, 3, 2, 1])
        whole = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
        found = principal_components(rows, 3)
        np.testing.assert_allclose(np.abs(found.scores), np.abs(whole[0] * whole[1])[:, :3], atol=1e-8)

    def test_signs_depend_on_neither_order_nor_rotation_of_the_space(self, vectors):
        rng = np.random.default_rng(3)
        order, turn = rng.permutation(60), np.linalg.qr(rng.normal(size=(8, 8)))[0]
        scores = principal_components(vectors).scores
        np.testing.assert_allclose(principal_components(vectors[order]).scores, scores[order], atol=1e-9)
        np.testing.assert_allclose(principal_components(vectors @ turn).scores, scores, atol=1e-9)
        assert (scores[np.abs(scores).argmax(0), np.arange(8)] > 0).all()

    def test_larger_maps_are_fitted_on_a_part(self, vectors, monkeypatch):
        whole = principal_components(vectors, 2)
        monkeypatch.setattr("grover_probe.maps.reduce.FIT_ROWS", 30)
        monkeypatch.setattr("grover_probe.maps.reduce._BLOCK", 7)
        found = principal_components(vectors, 2)
        chosen = vectors[np.linspace(0, 59, 30).astype(int)]
        expected = principal_components(chosen, 2)  # of fewer rows, so that another one may be the farthest
        np.testing.assert_allclose(np.abs(found.loadings), np.abs(expected.loadings), atol=1e-9)
        assert abs(np.corrcoef(found.scores[:, 0], whole.scores[:, 0])[0, 1]) > 0.95

    @pytest.mark.parametrize(
        ("rows", "message"),
        [(np.eye(9), "9 rows"), (np.full((20, 3), np.nan), "not finite"), (np.ones((20, 3)), "equal")],
    )
    def test_what_has_no_components_is_refused(self, rows, message):
        with pytest.raises(InputError, match=message):
            principal_components(rows)


class TestMap:
    def test_groups_stay_together(self, blobs):
        points, group = blobs
        flat = umap_coordinates(points, seed=1, progress=False)
        assert flat.shape == (160, 2)
        assert flat.dtype == np.float32
        assert trust(points, flat) > 0.9
        shuffled = flat[np.random.default_rng(0).permutation(160)]
        assert trust(points, shuffled) < 0.6
        centres = np.stack([flat[group == each].mean(0) for each in range(4)])
        nearest = ((flat[:, None] - centres) ** 2).sum(-1).argmin(1)
        assert (nearest == group).mean() > 0.97

    def test_a_seed_decides_and_progress_goes_to_stderr(self, blobs, capfd):
        first = umap_coordinates(blobs[0][:60], seed=3, progress=False)
        assert capfd.readouterr() == ("", "")
        np.testing.assert_array_equal(umap_coordinates(blobs[0][:60], seed=3, label="my map"), first)
        shown = capfd.readouterr()
        assert shown.out == ""
        assert "my map" in shown.err
        assert not np.array_equal(umap_coordinates(blobs[0][:60], seed=4, progress=False), first)

    def test_few_points_are_refused(self):
        with pytest.raises(InputError, match="9 rows"):
            umap_coordinates(np.eye(9))


def test_rows_are_sampled_only_above_the_limit():
    np.testing.assert_array_equal(sample_rows(5, 5, 0), np.arange(5))
    found = sample_rows(1_000, 100, 7)
    assert len(np.unique(found)) == 100
    assert (np.diff(found) > 0).all()
    np.testing.assert_array_equal(found, sample_rows(1_000, 100, 7))
    assert not np.array_equal(found, sample_rows(1_000, 100, 8))


class TestTree:
    def test_distances_are_those_of_scipy(self, vectors):
        found = cluster_tree(vectors, 5)
        centred = vectors - vectors.mean(0)
        np.testing.assert_allclose(cophenet(found.linkage), cophenet(linkage(centred, "average", "cosine")))
        assert sorted(found.leaves) == list(range(60))
        between = squareform(pdist(centred, "cosine"))
        plain = leaves_list(linkage(centred, "average", "cosine"))
        assert between[found.leaves[:-1], found.leaves[1:]].sum() < between[plain[:-1], plain[1:]].sum()

    def test_groups_are_clusters_numbered_along_the_leaves(self, blobs):
        points, group = blobs
        found = cluster_tree(points, 4)
        assert len({(a, b) for a, b in zip(group, found.clusters, strict=True)}) == 4
        assert (np.diff(found.clusters[found.leaves]) >= 0).all()
        assert set(found.clusters) == {1, 2, 3, 4}

    def test_a_row_without_direction_is_refused(self):
        rows = np.array([[1.0, 0], [-1, 0], [0, 0], [0, 1], [0, -1]])
        with pytest.raises(InputError, match="no direction"):
            cluster_tree(rows)
