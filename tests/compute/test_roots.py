"""Roots by matrix products against eigen-decompositions of known matrices."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from compute.roots import inverse_root, shrinkage


def matrix(random: np.random.Generator, size: int, largest: float) -> tuple[np.ndarray, np.ndarray]:
    """A symmetric matrix with eigenvalues from 0 to ``largest``, and (I + it)^(-1/2)."""
    Q, _ = np.linalg.qr(random.normal(0, 1, (size, size)))
    spectrum = largest * random.uniform(0, 1, size) ** 3
    spectrum[-1] = largest
    if size > 1:
        spectrum[0] = 0
    C = (Q * spectrum) @ Q.T
    return (C + C.T) / 2, (Q / np.sqrt(1 + spectrum)) @ Q.T


@pytest.fixture(scope="module")
def root():
    return jax.jit(inverse_root)


@pytest.mark.parametrize("size", [1, 2, 7, 8, 28, 65])
@pytest.mark.parametrize("largest", [1e-3, 0.7, 30, 1e4, 1e8])
def test_the_inverse_root_is_exact_to_what_the_condition_allows(random, root, size, largest):
    C, expected = matrix(random, size, largest)
    found = np.asarray(root(C))
    np.testing.assert_allclose(found, expected, atol=3e-15 + 1e-16 * largest)


def test_it_stays_finite_where_rounding_has_made_the_matrix_indefinite(random, root):
    for largest in (1e15, 1e18, 1e30):
        C, _ = matrix(random, 12, largest)
        found = np.asarray(root(C))
        assert np.isfinite(found).all()
        assert np.linalg.norm(found, 2) < 1.1


def test_what_is_not_finite_stays_so(root):
    assert np.isnan(np.asarray(root(np.full((8, 8), np.nan)))).all()


def test_a_matrix_does_not_feel_its_neighbours_in_a_batch(random, root):
    """Each has iterations of its own, however many others take."""
    batch = np.stack([matrix(random, 9, largest)[0] for largest in (0.1, 1e6, 3.0)])
    together = np.asarray(jax.jit(jax.vmap(inverse_root))(batch))
    for C, found in zip(batch, together, strict=True):
        np.testing.assert_allclose(found, root(C), rtol=0, atol=1e-10)


@pytest.mark.parametrize("size", [1, 3, 8, 20])
def test_the_shrinkage_is_the_inverse_of_a_and_its_root(random, size):
    C, Z = matrix(random, size, 50.0)
    A = np.eye(size) + C
    expected = np.linalg.inv(A + A @ Z)
    np.testing.assert_allclose(shrinkage(jnp.asarray(Z)), expected, atol=1e-14)
