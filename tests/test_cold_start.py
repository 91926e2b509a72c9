"""A kernel is compiled as a whole, and the parts it is made of are not compiled on their own."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from numba.core import codegen
from numba.core.registry import cpu_target

from fastdrift.kernels import compiling, nesting


@pytest.fixture
def emitted(monkeypatch):
    """The names of the libraries that are optimised and emitted from here on."""
    names = []
    usual = codegen.JITCodeLibrary._finalize_final_module

    def noted(library):
        names.append(library.name)
        usual(library)

    monkeypatch.setattr(codegen.JITCodeLibrary, "_finalize_final_module", noted)
    return names


def test_of_a_kernel_nothing_but_the_whole_is_optimised_and_emitted(emitted):
    compiling.compile_in_numba("settle_range", np.dtype(np.float32))
    compiling.compile_object("distance_range", np.dtype(np.float32))
    assert [name for name in emitted if "nrt" not in name.lower()] == ["settle_range", "packed_distance_range"]


def test_a_kernel_compiled_in_numbas_own_way_gives_the_same_bytes(monkeypatch):
    matrix = np.cov(np.random.default_rng(0).normal(size=(12, 400)))
    factors = []
    for is_private in (True, False):
        if not is_private:
            monkeypatch.setattr(nesting, "FOUND", False)  # as if numba had moved it
        cholesky = compiling.compile_in_numba("cholesky", None)
        factors.append(np.zeros_like(matrix))
        cholesky(matrix, 0.0, factors[-1])
    assert factors[0].tobytes() == factors[1].tobytes()


def test_numba_compiles_in_its_own_way_again_once_a_kernel_is_there(emitted):
    compiling.compile_in_numba("cholesky", None)
    emitted.clear()
    doubled = njit(lambda value: 2 * value)
    assert njit(lambda value: doubled(value) + 1)(4) == 9
    assert len(emitted) == 2
    assert not {"create_library", "set_env"} & vars(cpu_target.target_context.codegen()).keys()


def test_numba_is_left_as_it_was_when_a_kernel_cannot_be_compiled():
    with pytest.raises(ZeroDivisionError), nesting.compiled_whole("cholesky"):
        raise ZeroDivisionError
    assert not {"create_library", "set_env"} & vars(cpu_target.target_context.codegen()).keys()


def test_a_part_that_python_calls_is_an_error_and_no_crash():
    @njit
    def part(value):
        return value + 1

    @njit
    def whole(value):
        return part(value)

    with nesting.compiled_whole("test_a_part_that_python_calls_is_an_error_and_no_crash.<locals>.whole"):
        assert whole(1) == 2
    with pytest.raises(SystemError, match="without setting an exception"):
        part(1)
