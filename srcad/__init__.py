"""srcad: the backward pass of a NumPy function, written as Python source.

>>> import srcad
>>> @srcad.grad
... def f(x, y):
...     return x * y + y
>>> f(3.0, -4.0)
(-4.0, 4.0)
"""
from srcad.api import Gradient, check_grad, elementwise_grad, grad, value_and_grad, vjp
from srcad.errors import (
    AliasError,
    GradientMismatchError,
    MissingRuleError,
    SeedError,
    SrcadError,
    UnsupportedSyntaxError,
)
from srcad.operators import hessian, hvp, jacobian, jvp
from srcad.rules import custom_gradient, rule
from srcad.runtime import adjoint, checkpoint, scope, stop_gradient

__version__ = "0.1.0"
__all__ = [
    "AliasError", "Gradient", "GradientMismatchError", "MissingRuleError", "SeedError", "SrcadError", "UnsupportedSyntaxError",
    "adjoint", "check_grad", "checkpoint", "custom_gradient", "elementwise_grad", "grad", "hessian", "hvp", "jacobian", "jvp", "rule", "scope", "stop_gradient",
    "value_and_grad", "vjp",
]
