"""Failures that are known, until they are mended: delete a line with the mistake that it is about."""
from __future__ import annotations

import pytest

KNOWN: dict[str, tuple[str, ...]] = {
    "a rule that calls itself (digamma) is refused as changed on disk": (
        "test_the_backward_pass_does_not_raise[math.lgamma(x)-operands4]",
        "test_the_backward_pass_does_not_raise[math.lgamma(x)-operands5]",
        "test_compiled[math.gamma(x):float]",
        "test_compiled[math.gamma(x):float#2]",
        "test_compiled[math.gamma(x):float#3]",
        "test_compiled[math.gamma(x):float#4]",
        "test_compiled[math.lgamma(x):float]",
        "test_compiled[math.lgamma(x):float#2]",
        "test_compiled[math.lgamma(x):float#3]",
        "test_compiled[math.lgamma(x):float#4]",
        "test_compiled[math.lgamma(x):float#5]",
    ),
    "numbers raise from the backward pass near the ends of their range": (
        "test_the_backward_pass_does_not_raise[1 / x-operands8]",
        "test_the_backward_pass_does_not_raise[x ** -1-operands16]",
        "test_the_backward_pass_does_not_raise[x ** -2.5-operands17]",
        "test_the_backward_pass_does_not_raise[x ** y-operands28]",
        "test_the_backward_pass_does_not_raise[x % y-operands33]",
    ),
    "hstack: numbers beside vectors": (
        "test_rule_alone[np.hstack([x,y]):0d,2]",
        "test_rule_alone[np.hstack([x,y]):2,0d]",
        "test_rule_alone[np.hstack([x,y,z]):0d,2,1]",
        "test_compiled[np.hstack([x,y]):0d,2]",
        "test_compiled[np.hstack([x,y]):2,0d]",
        "test_compiled[np.hstack([x,y,z]):0d,2,1]",
        "test_lists_as_arguments[np.hstack([x,y]):2,0d]",
    ),
    "full_like with an array to fill with: the adjoint is summed over everything": (
        "test_rule_alone[np.full_like(x,y):2x3,3]",
        "test_compiled[np.full_like(x,y):2x3,3]",
    ),
    "choose takes booleans of NumPy for terms: they too have a method `choose`": (
        "test_rule_alone[max(x,y):float64,float]",
        "test_rule_alone[min(x,y):float64,float]",
    ),
    "np.divmod: numbers among the operands get arrays": (
        "test_compiled[np.divmod(x,y):float,2x3]",
        "test_compiled[np.divmod(x,y):2x3,float]",
        "test_compiled[np.divmod(x,y):float64,3]",
        "test_each_operand_alone[np.divmod(x,y):2x3,float]",
        "test_layouts[np.divmod(x,y):float,2x3]",
        "test_code_serves_other_sizes[np.divmod(x,y):0d,3]",
        "test_code_serves_other_sizes[np.divmod(x,y):0d,0]",
    ),
    "divmod of numbers: the seed is a tuple, and is copied as an array": (
        "test_compiled[divmod(x,y):float,float]",
        "test_compiled[divmod(x,y):float,float#2]",
        "test_each_operand_alone[divmod(x,y):float,float]",
        "test_as_written[divmod(x, y)[1]:2float]",
    ),
    "einsum of one operand returns a view of the seed": (
        "test_compiled[np.einsum('ij->ji',x):2x3]",
        "test_compiled[np.einsum('ji',x):2x3]",
        "test_compiled[np.einsum('ijk->kij',x):2x3x4]",
        "test_compiled[np.einsum('kji',x):2x3x4]",
        "test_compiled[np.einsum('bA',x):2x3]",
        "test_compiled[np.einsum('...i->i...',x):2x5x3]",
        "test_compiled[np.einsum('i...->...i',x):2x5x3]",
        "test_compiled[np.einsum('i...',x):2x5x3]",
        "test_compiled[np.einsum('...ij->ij...',x):4x2x3]",
        "test_layouts[np.einsum('i...',x):2x5x3]",
        "test_layouts_of_the_seed[np.einsum('ji',x):2x3]",
    ),
    "tril and triu of a vector: the adjoint is not summed to the shape of the operand": (
        "test_compiled[np.tril(x,k=0):3]",
        "test_compiled[np.triu(x,k=0):3]",
        "test_compiled[np.tril(x,k=1):3]",
        "test_compiled[np.triu(x,k=1):3]",
        "test_compiled[np.tril(x,k=-1):3]",
        "test_compiled[np.triu(x,k=-1):3]",
        "test_compiled[np.tril(x,k=2):3]",
        "test_compiled[np.triu(x,k=2):3]",
        "test_float32[np.triu(x,k=0):3]",
        "test_float32[np.triu(x,k=1):3]",
        "test_float32[np.triu(x,k=-1):3]",
        "test_float32[np.triu(x,k=2):3]",
        "test_layouts[np.triu(x,k=1):3]",
        "test_layouts[np.tril(x,k=-1):3]",
        "test_code_serves_other_sizes[np.triu(x,k=0):3]",
        "test_code_serves_other_sizes[np.triu(x,k=1):3]",
        "test_code_serves_other_sizes[np.triu(x,k=-1):3]",
        "test_code_serves_other_sizes[np.triu(x,k=2):3]",
    ),
    "np.copy of a number: the result is an array of rank 0": (
        "test_compiled[np.copy(x):float]",
    ),
    "the method clip with a keyword is refused": (
        "test_as_written[x.clip(min=-1):1ndarray]",
        "test_as_written[x.clip(max=1):1ndarray]",
        "test_as_written_in_float32[x.clip(min=-1)]",
        "test_as_written_in_float32[x.clip(max=1)]",
    ),
    "the first operand given by its keyword": (
        "test_as_written[np.sum(a=x, axis=1):1ndarray]",
        "test_as_written_in_float32[np.sum(a=x, axis=1)]",
    ),
    "a matrix norm that has no rule raises NotImplementedError at run time": (
        "test_refused[np.linalg.norm(x, ord=np.inf, axis=(0, 1))]",
    ),
    "flatten ignores its order": (
        "test_refused[x.flatten('F')]",
        "test_refused[x.flatten(order='F')]",
    ),
}
REASONS = {test: reason for reason, tests in KNOWN.items() for test in tests}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.name in REASONS:
            item.add_marker(pytest.mark.xfail(strict=True, reason=REASONS[item.name]))
