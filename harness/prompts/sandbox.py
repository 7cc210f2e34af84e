"""Templates that can do no harm: a small part of Jinja2, checked before anything is rendered."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from harness.core.errors import UserError

MAX_CHARACTERS = 20_000
FILTERS = ("capitalize", "join", "length", "lower", "title", "trim", "truncate", "upper")
ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Filter,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
)


@functools.cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True
    )
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    environment.globals = {}
    return environment


class SafeTemplate:
    """One template text, parsed and checked.

    Only variables, conditions and a few filters with constant arguments are allowed: nothing
    that loops, calls, reaches into an object or computes, so rendering ends soon and touches
    nothing.

    Args:
        source: The template text.
        where: The file, line and field it stands in, for messages.

    Raises:
        UserError: It does not parse, or uses what is not allowed.
    """

    def __init__(self, source: str, *, where: str) -> None:
        self.source = source
        self.where = where
        if len(source) > MAX_CHARACTERS:
            raise UserError(
                "the template is too long",
                where=where,
                found=f"{len(source)} characters",
                expected=f"at most {MAX_CHARACTERS}",
            )
        try:
            tree = _environment().parse(source)
            self._check(tree)
            self.variables = frozenset(node.name for node in tree.find_all(nodes.Name))
            self._template: Template = _environment().from_string(source)
        except TemplateError as error:
            raise UserError(
                f"the template does not parse: {error}", where=where, found=source
            ) from error
        except (RecursionError, MemoryError, SyntaxError, ValueError):  # Python's own limits
            raise UserError(
                "the template is nested too deep, or a number in it is too long",
                where=where,
                found=source,
            ) from None

    def render(self, variables: Mapping[str, Any]) -> str:
        """Returns the text with the variables filled in; a value of None is filled in as nothing.

        Raises:
            UserError: A variable is not there, or a filter does not fit its value.
        """
        filled = {name: "" if value is None else value for name, value in variables.items()}
        try:
            return self._template.render(filled)
        except (TemplateError, TypeError, ValueError) as error:
            raise UserError(
                f"the template cannot be filled in: {error}",
                where=self.where,
                expected=f"only these variables: {', '.join(sorted(variables))}",
            ) from error

    def _check(self, tree: nodes.Template) -> None:
        for node in tree.find_all(nodes.Node):
            if not isinstance(node, ALLOWED):
                raise self._refuse(type(node).__name__, node)
            if isinstance(node, nodes.Filter):
                self._check_filter(node)

    def _check_filter(self, node: nodes.Filter) -> None:
        if node.name not in FILTERS:
            raise self._refuse(f"the filter {node.name!r}", node)
        constant = all(isinstance(argument, nodes.Const) for argument in node.args)
        if not constant or node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise self._refuse(f"{node.name} with arguments that are not plain constants", node)
        # A join of a join grows exponentially, and its second argument reaches into objects.
        if node.name == "join" and not (isinstance(node.node, nodes.Name) and len(node.args) < 2):
            raise self._refuse("join of anything but a variable, or with two arguments", node)

    def _refuse(self, what: str, node: nodes.Node) -> UserError:
        return UserError(
            f"the template uses what prompts may not use (template line {node.lineno})",
            where=self.where,
            found=what,
            expected="variables, if/else, comparisons, and the filters " + ", ".join(FILTERS),
        )
