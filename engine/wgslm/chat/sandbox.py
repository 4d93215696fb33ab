"""The environment that chat templates run in: every operation passes here and pays first.

It knows which attributes, filters, tests and functions exist for a template; all else is refused.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from types import BuiltinMethodType, MethodType

from jinja2.ext import loopcontrols
from jinja2.runtime import Context, LoopContext, Macro, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Cycler, Namespace

from wgslm.chat import strings
from wgslm.chat.bounds import ITEMS_PER_STEP, MAX_INT_BITS, TEST_CALLS, Budget
from wgslm.chat.compiler import Generation, PayingGenerator
from wgslm.chat.filters import FILTERS, TESTS
from wgslm.chat.nesting import Nesting, Once
from wgslm.errors import TemplateError

_LOOP = (
    "index index0 revindex revindex0 first last length depth depth0 previtem nextitem changed cycle"
)
_ATTRIBUTES: dict[type, frozenset[str]] = {
    str: strings.METHODS,
    dict: frozenset({"get", "items", "keys", "values", "copy"}),
    list: frozenset({"index", "count", "copy", "append", "pop"}),
    tuple: frozenset({"index", "count"}),
    LoopContext: frozenset(_LOOP.split()),
    Cycler: frozenset({"next", "current", "reset"}),
}
_PLAIN = (str, int, float, type(None))
_SCALARS = (str, int, float, bool, type(None), Undefined)


class Sandbox(ImmutableSandboxedEnvironment):
    """A jinja2 environment for one rendering, with Hugging Face's extensions and a budget."""

    code_generator_class = PayingGenerator
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self, budget: Budget, clock: Callable[[], datetime], marker: str = "") -> None:
        """Open an environment; `marker` is a character that must survive JSON as it is."""
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[loopcontrols, Generation],
            optimized=False,
        )
        self.budget = budget
        self.marker = marker
        self.given: frozenset[int] = frozenset()  # lists that are the caller's, by identity
        self.step = budget.step
        self._nesting = Nesting(budget.step)
        self.filters = dict(FILTERS)
        self.tests = dict(TESTS)
        self.globals = {
            name: self.globals[name] for name in ("range", "dict", "namespace", "cycler", "joiner")
        }
        self.globals["raise_exception"] = _raise_exception
        self.globals["strftime_now"] = lambda form: strings.date(clock(), form)

    # What the generated code calls around blocks, outputs and expressions.

    def tested(self, value: object, price: int) -> object:
        """Pay for evaluating the condition of a loop, after `testing`."""
        self.budget.leave(TEST_CALLS)
        self.step(price)
        return value

    def testing(self) -> bool:
        """Begin the condition of a loop."""
        self.budget.enter(TEST_CALLS)
        return True

    def made(self, count: int, value: object) -> object:
        """Pay for a literal with so many items."""
        self.step(1 + count)
        return value

    def kept(self, value: object) -> object:
        """Look through a value that a name is set to."""
        self._nesting.check(value, in_namespace=False)
        return value

    def kept_in_namespace(self, value: object) -> object:
        """Look through a value that outlives the block it is made in."""
        self._nesting.check(value, in_namespace=True)
        return value

    def emit(self, value: object) -> str:
        """Make the text that a template outputs for a value."""
        if not isinstance(value, str):
            self.budget.room(self.budget.weigh(value))
        text = str(value)
        self.budget.spend(text)
        return text

    def joined(self, *values: object) -> str:
        """Join with `~`."""
        self.budget.room(self.budget.weigh(*values))
        return self._settled_text("".join(map(str, values)))

    def compared(self, value: object) -> object:
        """Pay for one side of a comparison, or for hashing a key."""
        self.budget.weigh(value)
        return value

    def contains(self, item: object, container: object) -> bool:
        """Evaluate `item in container`."""
        if isinstance(container, str) and isinstance(item, str):
            self.step(strings.search_steps(container, item))
        elif isinstance(container, dict):
            self.budget.weigh(item)
        elif isinstance(item, _SCALARS) and isinstance(container, list | tuple | range):
            self.step(1 + len(container) * (1 + self.budget.weigh(item) // 128) // 4)
        else:
            self.budget.weigh(item, container)
        return item in container  # type: ignore[operator]

    def getslice(self, value: object, start: object, stop: object, step: object) -> object:
        """Evaluate `value[start:stop:step]`."""
        return self.settle(value[start:stop:step])  # type: ignore[index]

    def settle(self, value: object) -> object:
        """Pay for a value that an operation has made."""
        if isinstance(value, str):
            return self._settled_text(value)
        if isinstance(value, int) and value.bit_length() > MAX_INT_BITS:
            raise TemplateError(f"the chat template makes an integer over {MAX_INT_BITS} bits")
        if isinstance(value, list | tuple | dict):
            self.step(1 + len(value) // ITEMS_PER_STEP)
        elif isinstance(value, Iterator):
            items = list(value)
            self.step(1 + len(items))
            return Once(items)
        return value

    def _settled_text(self, text: str) -> str:
        self.budget.spend(text)
        return text

    # What jinja2's sandbox calls.

    def getattr(self, obj: object, attribute: str) -> object:
        """Look up an attribute, else an item."""
        self.step()
        return super().getattr(obj, attribute)

    def getitem(self, obj: object, argument: object) -> object:
        """Look up an item, else an attribute."""
        self.budget.weigh(argument)
        return super().getitem(obj, argument)

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        """Allow what is listed for a type; the items of dicts and namespaces are no attributes."""
        if isinstance(obj, Namespace):
            return not attr.startswith("_")
        return any(
            attr in allowed for kind, allowed in _ATTRIBUTES.items() if isinstance(obj, kind)
        )

    def wrap_str_format(self, value: object) -> None:
        """Leave `str.format` to `call`, which has its own bounded one."""

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """Evaluate an arithmetic operator, which also repeats, joins and formats."""
        if operator == "%" and isinstance(left, str):
            return self._settled_text(strings.percent(self.budget, left, right))
        if operator == "*":
            self._check_repetition(left, right)
            self._check_repetition(right, left)
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            self.budget.room(len(left) + len(right))
        if operator == "**" and isinstance(left, int) and isinstance(right, int):
            self._check_power(left, right)
        return self.settle(super().call_binop(context, operator, left, right))

    def call(  # the names are jinja2's, which keep clear of a template's keywords
        __self, __context: Context, __obj: object, *args: object, **kwargs: object
    ) -> object:
        """Call a macro, a function or a method."""
        budget = __self.budget
        budget.enter()
        budget.step(5 + 4 * (len(args) + len(kwargs)))
        for name, value in (*enumerate(args), *kwargs.items()):
            if name not in ("_loop_vars", "_block_vars"):
                __self._nesting.check(value, in_namespace=__obj is Namespace)
        owner = __obj.__self__ if isinstance(__obj, BuiltinMethodType | MethodType) else None
        if isinstance(owner, str):
            kwargs.pop("_loop_vars", None)
            name = __obj.__name__  # type: ignore[attr-defined]
            made = strings.call_method(budget, owner, name, __obj, args, kwargs)  # type: ignore[arg-type]
        else:
            if isinstance(owner, list):
                __self._check_change(owner, __obj.__name__, args)  # type: ignore[attr-defined]
            for value in args:
                if isinstance(owner, list | tuple | LoopContext):
                    budget.weigh(value, owner)
                elif isinstance(owner, dict) and value is args[0]:
                    budget.weigh(value)
                elif isinstance(value, list | tuple | dict | range):
                    budget.step(len(value) // ITEMS_PER_STEP)
            made = __self._call(__context, __obj, args, kwargs)
        budget.leave()
        return __self.settle(made)

    def _call(
        self, context: Context, obj: object, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> object:
        """Call a macro or a recursive loop as the Python function it is, which takes no C stack."""
        if not isinstance(obj, Macro | LoopContext):
            return super().call(context, obj, *args, **kwargs)
        kwargs.pop("_loop_vars", None)
        kwargs.pop("_block_vars", None)
        if isinstance(obj, Macro):
            return Macro.__call__(obj, context.eval_ctx, *args, **kwargs)
        return LoopContext.__call__(obj, *args, **kwargs)  # type: ignore[arg-type]

    def _check_change(self, owner: list[object], name: str, args: tuple[object, ...]) -> None:
        """Let lists take plain values only: within another list they would nest unseen."""
        if name not in ("append", "pop"):
            return
        self.step(1 + len(owner) // ITEMS_PER_STEP)
        if id(owner) in self.given:
            raise TemplateError(f"the chat template calls {name} on what it was given")
        if name == "append" and not all(isinstance(value, _PLAIN) for value in args):
            raise TemplateError(
                "the chat template appends a list or an object to a list; strings, numbers and"
                " truth values can be appended"
            )

    def _check_repetition(self, sequence: object, count: object) -> None:
        if isinstance(sequence, str | list | tuple) and isinstance(count, int):
            length = len(sequence) * max(0, count)
            if isinstance(sequence, str):
                self.budget.room(length)
            else:
                self.step(length)

    def _check_power(self, base: int, exponent: int) -> None:
        if base.bit_length() * max(0, exponent) > 2 * MAX_INT_BITS:
            raise TemplateError(f"the chat template makes an integer over {MAX_INT_BITS} bits")


def _raise_exception(message: object) -> None:
    """Refuse the conversation, in the template's own words."""
    raise TemplateError(str(message)[:1000] if isinstance(message, str) else "refused")
