"""Expressions as text: printed, and read again, they are what they were."""
from __future__ import annotations

import ast

import pytest

from srcad.syntax import binary, call, expression, name, same, text


@pytest.mark.parametrize("source", ["(a + b) * -2", "-a ** 2", "(-a) ** 2", "(a - b) - (c - d)", "a[b, None, ...]", "(a * b).sum(axis=0)", "not (a or b)", "a if b else (c, d)", "x[1:, ::-1]"])
def test_text_reads_as_the_same_tree(source):
    assert same(ast.parse(text(expression(source)), mode="eval").body, expression(source))


def test_a_node_that_stands_in_two_places_is_written_for_each():
    product = binary(name("a"), ast.Mult(), name("b"))
    total = call(ast.Attribute(value=product, attr="sum", ctx=ast.Load()))
    assert text(binary(product, ast.Sub(), binary(total, ast.Mult(), name("b")))) == "a * b - (a * b).sum() * b"
    assert text(product) == "a * b" and text(total) == "(a * b).sum()"
