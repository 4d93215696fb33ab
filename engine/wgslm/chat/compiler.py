"""A chat template's source to Python code that pays for every block, value and text it makes.

The code generator and Python's own compiler are recursive, and in wasm a native stack overflow
kills the interpreter; so the source and then its tree are measured first, iteratively.
"""

from collections.abc import Iterator, Sequence
from types import CodeType

from jinja2 import Environment, nodes
from jinja2.compiler import CodeGenerator, Frame, generate, operators
from jinja2.exceptions import TemplateSyntaxError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.utils import concat

from wgslm.chat.bounds import MAX_SOURCE
from wgslm.chat.scan import check_nesting
from wgslm.errors import TemplateError

FILENAME = "<chat template>"
MAX_NODES = 4_000  # ... and 1,300 of these,
MAX_TREE = 80  # ... nested 29 deep
MAX_ELIF = 60

_KNOWN = (
    "Template Output TemplateData If For Macro CallBlock FilterBlock With Assign AssignBlock"
    " ExprStmt Break Continue Scope Name NSRef Const Tuple List Dict Pair Keyword CondExpr Filter"
    " Test Call Getitem Getattr Slice Concat Compare Operand Add Sub Mul Div FloorDiv Mod Pow And"
    " Or Not Neg Pos"
)
_ALLOWED = frozenset(getattr(nodes, name) for name in _KNOWN.split())


def compile_template(source: str, environment: Environment) -> CodeType:
    """Compile a template for `environment`, or say why it is refused."""
    if len(source) > MAX_SOURCE:
        raise TemplateError(
            f"the chat template has {len(source):,} characters; the limit is {MAX_SOURCE:,}"
        )
    try:
        check_nesting(environment.lexer.tokeniter(source, None))
        tree = Parser(environment, source).parse()
        _check_tree(tree)
        tree.set_environment(environment)
        python = generate(tree, environment, None, None, optimized=False)
        return compile(python or "", FILENAME, "exec")
    except TemplateSyntaxError as error:
        raise TemplateError(
            f"the chat template is malformed on line {error.lineno}: {error.message}"
        ) from error
    except RecursionError as error:
        raise TemplateError("the chat template is nested too deep") from error
    except (SyntaxError, ValueError, MemoryError) as error:
        raise TemplateError(f"the chat template is malformed: {error}") from error


def _check_tree(tree: nodes.Template) -> None:
    """Refuse kinds of nodes that no chat template needs, and trees too large to compile safely."""
    waiting: list[tuple[nodes.Node, int]] = [(tree, 1)]
    count = 0
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if type(node) not in _ALLOWED:
            raise TemplateError(
                f"the chat template uses {type(node).__name__.lower()!r} on line {node.lineno},"
                " which chat templates have no use for"
            )
        if depth > MAX_TREE or (isinstance(node, nodes.If) and len(node.elif_) > MAX_ELIF):
            raise TemplateError(
                f"the chat template is nested too deep on line {node.lineno}; expressions may be"
                f" {MAX_TREE} levels deep and an if may have {MAX_ELIF} elifs"
            )
        waiting += [(child, depth + 1) for child in node.iter_child_nodes()]
        if count + len(waiting) > MAX_NODES:
            raise TemplateError(f"the chat template has more than {MAX_NODES:,} nodes")


def _cost(body: Sequence[nodes.Node]) -> int:
    """Price one pass over some nodes; blocks within them pay for themselves."""
    count = 0
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        count += 1
        waiting += node.iter_child_nodes(exclude=("body", "else_"))
    return 1 + count // 8


def _call(function: str, *arguments: nodes.Node) -> nodes.Expr:
    """Call a function of the environment in generated code."""
    return nodes.Call(nodes.EnvironmentAttribute(function), [*arguments], [], None, None)


class Generation(Extension):
    """`{% generation %}` marks the assistant's text for training; here it only groups."""

    tags = {"generation"}  # noqa: RUF012  jinja2 declares it as an instance variable

    def parse(self, parser: Parser) -> nodes.Node:
        """Read up to `{% endgeneration %}`; names set inside stay inside."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


class PayingGenerator(CodeGenerator):
    """Jinja's code generator, with a call to the environment around everything that can grow.

    Nothing is evaluated at compile time: constants too are made under a budget.
    """

    def blockvisit(self, nodes: Sequence[nodes.Node], frame: Frame) -> None:  # type: ignore[override]
        """Pay for a block each time it is entered."""
        self.writeline(f"environment.step({_cost(nodes)})")
        super().blockvisit(nodes, frame)

    def visit_For(self, node: nodes.For, frame: Frame) -> None:
        """Pay for a loop's `if` at every item, as no block is entered where it is false."""
        if node.test is not None:
            price = nodes.Const(_cost([node.test]))
            node.test = _call("tested", nodes.And(_call("testing"), node.test), price)
        super().visit_For(node, frame)

    def visit_Assign(self, node: nodes.Assign, frame: Frame) -> None:
        """Look through what is kept in a name or a namespace."""
        function = "kept_in_namespace" if node.find(nodes.NSRef) else "kept"
        node.node = _call(function, node.node)
        super().visit_Assign(node, frame)

    def visit_With(self, node: nodes.With, frame: Frame) -> None:
        """Look through what is kept in a name."""
        node.values = [_call("kept", value) for value in node.values]
        super().visit_With(node, frame)

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        """Call the environment directly for our own calls; what a call block gives is output."""
        if isinstance(node.node, nodes.EnvironmentAttribute):
            self._call(f"environment.{node.node.name}", node.args, frame)
        elif forward_caller:
            self.write("environment.emit(")
            super().visit_Call(node, frame, forward_caller=True)
            self.write(")")
        else:
            super().visit_Call(node, frame)

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:
        """Weigh both sides; a lone `in` is weighed by what it searches."""
        if len(node.ops) == 1 and node.ops[0].op in ("in", "notin"):
            self.write("(not " if node.ops[0].op == "notin" else "(")
            self._call("environment.contains", [node.expr, node.ops[0].expr], frame)
        else:
            self.write("(")
            self._call("environment.compared", [node.expr], frame)
            for operand in node.ops:
                self.write(f" {operators[operand.op]} ")
                self._call("environment.compared", [operand.expr], frame)
        self.write(")")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        """Join under the budget."""
        self._call("environment.joined", node.nodes, frame)

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:
        """Slice through the environment, which plain jinja does not."""
        if isinstance(node.arg, nodes.Slice):
            none = nodes.Const(None)
            bounds = [node.arg.start or none, node.arg.stop or none, node.arg.step or none]
            self._call("environment.getslice", [node.node, *bounds], frame)
        else:
            super().visit_Getitem(node, frame)

    def visit_List(self, node: nodes.List, frame: Frame) -> None:
        """Pay for the items of a literal."""
        self.write(f"environment.made({len(node.items)}, ")
        super().visit_List(node, frame)
        self.write(")")

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:
        """Pay for the items of a literal; a target of an assignment is none."""
        if node.ctx == "store":
            super().visit_Tuple(node, frame)
            return
        self.write(f"environment.made({len(node.items)}, ")
        super().visit_Tuple(node, frame)
        self.write(")")

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:
        """Pay for the items of a literal, and for hashing its keys."""
        self.write(f"environment.made({2 * len(node.items)}, {{")
        for pair in node.items:
            self._call("environment.compared", [pair.key], frame)
            self.write(": ")
            self.visit(pair.value, frame)
            self.write(", ")
        self.write("})")

    def _call(self, function: str, arguments: Sequence[nodes.Node], frame: Frame) -> None:
        self.write(f"{function}(")
        for argument in arguments:
            self.visit(argument, frame)
            self.write(", ")
        self.write(")")

    def _output_child_to_const(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> str:
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)

    def _output_const_repr(self, group: Iterator[object]) -> str:  # type: ignore[override]
        return f"environment.emit({concat(map(str, group))!r})"

    def _output_child_pre(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> None:
        self.write("environment.emit(")

    def _output_child_post(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> None:
        self.write(")")
