"""Mutation operators beside those of cosmic-ray: statements that vanish and arguments that change places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cosmic_ray.operators.operator import Example, Operator
from parso.python.tree import ExprStmt, Keyword, PythonNode
from parso.tree import NodeOrLeaf

Position = tuple[tuple[int, int], tuple[int, int]]


class DeleteStatement(Operator):
    """Put `pass` in the place of a call, an assignment to an attribute or an item, or an `x += y`."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterable[Position]:
        """Yield the place of a statement whose absence leaves every name defined."""
        if node.parent is not None and node.parent.type == "simple_stmt" and self._can_go(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        """Return `pass` where the statement stood."""
        return Keyword("pass", node.start_pos, prefix=node.get_first_leaf().prefix)

    @staticmethod
    def _can_go(node: NodeOrLeaf) -> bool:
        if isinstance(node, ExprStmt):
            target = node.children[0]
            augmented = node.children[1].type == "operator" and node.children[1].value != "="
            return bool(target.type in ("atom_expr", "power") or augmented)
        return node.type in ("atom_expr", "power", "await")  # a call for its effect

    @classmethod
    def examples(cls) -> Sequence[Example]:
        """Return examples of the mutation."""
        return (Example("f(1)\n", "pass\n"), Example("a.b = 1\n", "pass\n"), Example("x += 1\n", "pass\n"))


class SwapArguments(Operator):
    """Exchange the first two positional arguments of a call, unless their order is of no account."""

    def mutation_positions(self, node: NodeOrLeaf) -> Iterable[Position]:
        """Yield the place of an argument list that begins with two positional arguments."""
        if node.type == "arglist" and len(self._positional(node)) >= 2 and not self._symmetric(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: PythonNode, index: int) -> NodeOrLeaf:
        """Return the list with its first two arguments exchanged."""
        first, second = list(self._positional(node))[:2]
        a, b = node.children.index(first), node.children.index(second)
        left, right = first.get_first_leaf(), second.get_first_leaf()
        left.prefix, right.prefix = right.prefix, left.prefix
        node.children[a], node.children[b] = second, first
        return node

    @staticmethod
    def _symmetric(node: Any) -> bool:
        """Return whether it is the smaller or larger of numbers; with a key, the order decides between equals."""
        function = node.parent.get_previous_leaf()
        plain = all(child.type != "argument" for child in node.children)
        return plain and function is not None and function.value in ("min", "max", "minimum", "maximum")

    @staticmethod
    def _positional(node: Any) -> list[NodeOrLeaf]:
        def plain() -> Iterator[NodeOrLeaf]:
            for child in node.children:
                if child.type == "argument":  # named or starred: the positional ones are over
                    return
                if child.type != "operator":
                    yield child

        return list(plain())

    @classmethod
    def examples(cls) -> Sequence[Example]:
        """Return examples of the mutation."""
        return (Example("f(a, b)\n", "f(b, a)\n"),)


OWN = {"delete-statement": DeleteStatement, "swap-arguments": SwapArguments}
