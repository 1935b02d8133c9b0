"""match statements as branches.

    match k:                      if k == 1: A
        case 1: A          ->     else:
        case _: B                     B
"""
from __future__ import annotations

import ast

from srcad.lowering import Lowering
from srcad.syntax import const, name


class Patterns(Lowering):
    """Lowers match statements."""

    def lower_Match(self, node: ast.Match) -> None:
        subject = self.atom(node.subject)
        if not isinstance(subject, ast.Name):
            held = self.namer.temporary("subject")
            self.emit(held, subject, node.subject)
            subject = name(held)
        for statement in self.cases(subject, node.cases):
            self.lower(statement)

    def cases(self, subject: ast.expr, cases: list[ast.match_case]) -> list[ast.stmt]:
        if not cases:
            return []
        first, rest = cases[0], self.cases(subject, cases[1:])
        bindings: list[ast.stmt] = []
        tests = self.pattern(first.pattern, subject, bindings)
        if first.guard is not None:
            if bindings:
                self.refuse(first.pattern, "a pattern that binds a name and has a guard is not supported. Use if.")
            tests.append(first.guard)
        if not tests:
            return [*bindings, *first.body]
        test = tests[0] if len(tests) == 1 else ast.copy_location(ast.BoolOp(op=ast.And(), values=tests), first.pattern)
        return [ast.copy_location(ast.If(test=test, body=[*bindings, *first.body], orelse=rest), first.pattern)]

    def pattern(self, pattern: ast.pattern, subject: ast.expr, bindings: list[ast.stmt]) -> list[ast.expr]:
        """The tests that a pattern makes; the names that it binds are added to `bindings`."""
        def placed(node: ast.expr) -> ast.expr:
            return ast.fix_missing_locations(ast.copy_location(node, pattern))

        match pattern:
            case ast.MatchValue(value=value):
                return [placed(ast.Compare(left=subject, ops=[ast.Eq()], comparators=[value]))]
            case ast.MatchSingleton(value=value):
                return [placed(ast.Compare(left=subject, ops=[ast.Is()], comparators=[const(value)]))]
            case ast.MatchOr(patterns=patterns):
                each = [self.pattern(p, subject, bindings) for p in patterns]
                if any(len(tests) != 1 for tests in each):
                    self.refuse(pattern, "this pattern is not supported. Use if and elif.")
                return [placed(ast.BoolOp(op=ast.Or(), values=[tests[0] for tests in each]))]
            case ast.MatchAs(pattern=None, name=identifier):
                if identifier is not None:
                    binding = ast.Assign(targets=[ast.Name(id=identifier, ctx=ast.Store())], value=subject)
                    binding.made_up = True  # type: ignore[attr-defined]
                    bindings.append(ast.fix_missing_locations(ast.copy_location(binding, pattern)))
                return []
            case ast.MatchSequence(patterns=patterns):
                stars = [i for i, p in enumerate(patterns) if isinstance(p, ast.MatchStar)]
                call = ast.Call(func=name("len"), args=[subject], keywords=[])
                tests = [placed(ast.Compare(left=call, ops=[ast.GtE() if stars else ast.Eq()], comparators=[const(len(patterns) - len(stars))]))]
                for i, inner in enumerate(patterns):
                    if isinstance(inner, ast.MatchStar):
                        end = i + 1 - len(patterns)
                        rest = ast.Subscript(value=subject, slice=ast.Slice(lower=const(i), upper=const(end) if end else None), ctx=ast.Load())
                        self.pattern(ast.copy_location(ast.MatchAs(name=inner.name), inner), placed(ast.Call(func=name("list"), args=[rest], keywords=[])), bindings)
                        continue
                    i -= len(patterns) if stars and i > stars[0] else 0
                    tests += self.pattern(inner, placed(ast.Subscript(value=subject, slice=const(i), ctx=ast.Load())), bindings)
                return tests
        self.refuse(pattern, "this pattern is not supported. Use if and elif.")
        raise AssertionError
