"""with, try, and what a function defines or imports inside itself.

    try: A                       with handled(line, ValueError):
    except ValueError: B    ->       A
"""
from __future__ import annotations

import ast
import copy

from srcad.finals import Finals
from srcad.ir import Assign, Define, Import, With
from srcad.lowering import Lowering
from srcad.surgery import Surgery, lowered
from srcad.syntax import const, name

HANDLED = "handled"  # the context in which an exception that a handler would take is refused


class Scopes(Lowering):
    """Lowers with, try, definitions and imports."""

    def lower_With(self, node: ast.With) -> None:
        if self.is_adjoint(node):
            self.adjoint_body(node)
            return
        if any(item.optional_vars is not None for item in node.items):
            self.refuse(node, "`with ... as` is not supported. Open what it needs outside the function.")
        headers = [self.path_call(item.context_expr) for item in node.items]
        body = self.block(node.body)
        self.out.append(With(tuple(headers), body, self.loc(node)))

    @staticmethod
    def is_adjoint(node: ast.With) -> bool:
        """`with srcad.adjoint(h) as dh`, by its looks: what the name means is looked at when it is walked."""
        match node.items:
            case [ast.withitem(context_expr=ast.Call(func=ast.Attribute(attr="adjoint") | ast.Name(id="adjoint"), args=[ast.Name()], keywords=[]), optional_vars=ast.Name())]:
                return True
        return False

    def adjoint_body(self, node: ast.With) -> None:
        """A copy of the variable: its adjoint passes through the body."""
        item = node.items[0]
        assert isinstance(item.context_expr, ast.Call) and isinstance(item.optional_vars, ast.Name) and isinstance(item.context_expr.args[0], ast.Name)
        loc = self.loc(node)
        surgery = Surgery(item.optional_vars.id, lowered(node.body, loc))
        func = self.path(item.context_expr.func)
        self.out.append(Assign(item.context_expr.args[0].id, ast.Call(func=func, args=[item.context_expr.args[0], ast.Constant(value=surgery)], keywords=[]), loc))

    def path_call(self, node: ast.expr) -> ast.expr:
        """The context of a with: a call whose arguments are written out."""
        if not isinstance(node, ast.Call) or any(not isinstance(v, ast.Constant) for v in [*node.args, *(k.value for k in node.keywords)]):
            self.refuse(node, "only np.errstate(...) and srcad.scope(...), with what they are given written out, may stand in a with statement.")
        return node

    def lower_Try(self, node: ast.Try) -> None:
        """The body, where it does not throw. A handler may only raise: nothing that it computes is differentiated."""
        if node.finalbody:
            for statement in Finals(lambda: self.namer.temporary("result")).visit(copy.deepcopy(node)):
                self.lower(statement)
            return
        caught = [h.type or name("Exception") for h in node.handlers if not isinstance(h.body[-1], ast.Raise)]
        body = self.block(node.body)
        header = ast.Call(func=name(HANDLED), args=[const(node.lineno), *caught], keywords=[])
        self.out += [With((header,), body, self.loc(node))] if caught else body
        for statement in node.orelse:
            self.lower(statement)

    def lower_FunctionDef(self, node: ast.FunctionDef) -> None:
        if node.decorator_list:
            self.refuse(node, "a decorated function inside a differentiated one is not supported. Define it outside.")
        self.out.append(Define(node.name, node, self.defaults(node.args), self.loc(node)))

    def defaults(self, arguments: ast.arguments) -> tuple[tuple[str, ast.expr], ...]:
        """The defaults of a definition, computed where it stands."""
        positional = [*arguments.posonlyargs, *arguments.args]
        pairs = list(zip(positional[len(positional) - len(arguments.defaults) :], arguments.defaults))
        pairs += [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults) if d is not None]
        return tuple((a.arg, self.atom(d)) for a, d in pairs)

    def read_Lambda(self, node: ast.Lambda) -> ast.expr:
        target = self.namer.temporary("function")
        self.out.append(Define(target, node, self.defaults(node.args), self.loc(node)))
        return name(target)

    def lower_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            whole = alias.asname is not None
            self.out.append(Import(alias.asname or alias.name.split(".")[0], alias.name if whole else alias.name.split(".")[0], "", self.loc(node)))
            if not whole and "." in alias.name:
                self.out.append(Import("", alias.name, "", self.loc(node)))

    def lower_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level or node.module is None:
            self.refuse(node, "relative imports inside a differentiated function are not supported. Import at the top of the file.")
            raise AssertionError
        for alias in node.names:
            self.out.append(Import(alias.asname or alias.name, node.module, alias.name, self.loc(node)))

    def lower_Global(self, node: ast.Global) -> None:
        written = {n.id for n in ast.walk(self.source.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        if written & set(node.names):
            self.refuse(node, "a function that writes to globals cannot be differentiated. Return the value instead.")
