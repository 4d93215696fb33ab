"""Hostile chat templates by name, beside those of the reference data; each must be bounded."""

_GROW = "{% set ns = namespace(x=['a', ['b']], s='a', d='a') %}"
_DAG = _GROW + "{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}"
_DEEP = _GROW + "{% for i in range(20000) %}{% set ns.x = [ns.x] %}{% endfor %}"
_DEEP_TUPLE = _GROW + "{% for i in range(20000) %}{% set ns.x = (ns.x, 1) %}{% endfor %}"
_BIG = "{% set s = 'a' * 900000 %}{% set z = s ~ 'b' %}{% set y = s ~ 'c' %}"
_FOREVER = "{% for i in range(99999) %}{% for j in range(99999) %}"
_END = "{% endfor %}{% endfor %}"

CODE = {
    "attr filter": "{{ ''|attr('__class__') }}",
    "subscript": "{{ ''['__class__'] }}",
    "map attribute": "{{ ['']|map(attribute='__class__')|list }}",
    "selectattr": "{{ ['']|selectattr('__class__')|list }}",
    "sort attribute": "{{ ['', 'a']|sort(attribute='__class__') }}",
    "sum attribute": "{{ ['', 'a']|sum(attribute='__class__.__mro__') }}",
    "format item": "{{ '{0[__class__]}'.format(messages) }}",
    "format nested": "{{ '{0:{0.__class__}}'.format(1) }}",
    "format map": "{{ '{a.__class__}'.format_map({'a': 1}) }}",
    "format by item": "{{ ''['format']['__self__']['__class__'] }}",
    "self": "{{ self.__init__.__globals__ }}",
    "self context": "{{ self._TemplateReference__context.environment }}",
    "loop": "{% for m in messages %}{{ loop.__class__.__init__.__globals__ }}{% endfor %}",
    "loop private": "{% for m in messages %}{{ loop._iterable.__class__ }}{% endfor %}",
    "macro": "{% macro f() %}{% endmacro %}{{ f._environment.step }}",
    "macro function": "{% macro f() %}{% endmacro %}{{ f._func.__globals__ }}",
    "namespace private": "{{ namespace(a=1)._Namespace__attrs }}",
    "namespace init": "{{ namespace.__init__.__globals__ }}",
    "joiner": "{{ joiner.__init__.__globals__ }}",
    "dict class": "{{ dict.__base__.__subclasses__() }}",
    "strftime globals": "{{ strftime_now.__globals__ }}",
    "environment": "{{ environment.filters }}",
    "undefined": "{{ nothing.__class__.__init__ }}",
    "undefined items": "{{ nothing['__class__']['__init__'] }}",
    "mro": "{{ messages.__class__.__mro__[1].__subclasses__() }}",
    "generator frame": "{{ (messages|map('upper')).gi_frame }}",
    "extends": "{% extends 'x' %}",
    "from import": "{% from 'os' import path %}",
    "block": "{% block a %}{{ self.a() }}{% endblock %}",
    "autoescape": "{% autoescape true %}{% endautoescape %}",
    "do": "{% do messages.clear() %}",
    "mutate pop": "{{ messages.pop() }}",
    "mutate dict": "{{ messages[0].update({'role': 'system'}) }}",
    "mutate setdefault": "{{ messages[0].setdefault('x', 1) }}",
}

BOMBS = {
    "percent in a test": "{{ '%2000000000d' is divisibleby 1 }}",
    "percent precision": "{{ '%.2000000000f' % 1.5 }}",
    "percent star": "{{ '%*d' % (2000000000, 1) }}",
    "percent mapping": _BIG + "{{ ('%(a)s' * 10000) % {'a': s} }}",
    "percent filter": "{{ '%2000000000d'|format(1) }}",
    "format repeated": _BIG + "{{ ('{0}' * 10000).format(s) }}",
    "format padded": "{{ ('{0:>999}' * 100000).format(1) }}",
    "round": "{{ 7|round(-2000000000) }}",
    "round floor": "{{ 7.5|round(2000000000, 'floor') }}",
    "shifted power": "{{ 2 ** 2 ** 2 ** 2 ** 2 ** 2 }}",
    "integer by product": "{% set ns = namespace(i=7) %}{% for i in range(99999) %}"
    "{% set ns.i = ns.i * ns.i %}{% endfor %}",
    "integer text": "{{ ('9' * 4000)|int }}",
    "integer literal": "{{ " + "9" * 5000 + " }}",
    "hexadecimal literal": "{{ 0x" + "f" * 200_000 + " * 2 }}",
    "sum of lists": "{{ ([[0] * 1000] * 1000)|sum(start=[])|length }}",
    "sum of strings": _BIG + "{{ ([s] * 1000)|sum(start='') }}",
    "dag text": _DAG + "{{ ns.x }}",
    "dag string filter": _DAG + "{{ ns.x|string|length }}",
    "dag json": _DAG + "{{ ns.x|tojson }}",
    "dag compare": _DAG + "{% set a = ns.x %}" + _DAG + "{{ a == ns.x }}",
    "dag test": _DAG + "{% set a = ns.x %}" + _DAG + "{{ a is eq(ns.x) }}",
    "dag select": _DAG + "{% set a = ns.x %}" + _DAG + "{{ [a]|select('eq', ns.x)|list|length }}",
    "dag in": _DAG + "{% set a = ns.x %}" + _DAG + "{{ a in [ns.x] }}",
    "dag index": _DAG + "{% set a = ns.x %}" + _DAG + "{{ [a].index(ns.x) }}",
    "dag sort": _DAG + "{% set a = ns.x %}" + _DAG + "{{ [a, ns.x]|sort|length }}",
    "dag percent": _DAG + "{{ '%s' % (ns.x,) }}",
    "dag format": _DAG + "{{ '{}'.format(ns.x) }}",
    "dag concat": _DAG + "{{ (ns.x ~ '')|length }}",
    "dag join": _DAG + "{{ ns.x|join('')|length }}",
    "dag lower test": _DAG + "{{ ns.x is lower }}",
    "dag changed": _DAG + "{% for i in [1, 2] %}{% set y = namespace(v=ns.x) %}"
    "{{ loop.changed(y.v) }}{% endfor %}",
    "dag view": _GROW + "{% for i in range(60) %}{% set ns.d = {'a': ns.d, 'b': ns.d}.values() %}"
    "{% endfor %}{{ ns.d }}",
    "dag namespace": _GROW + "{% for i in range(60) %}{% set ns.x = namespace(a=ns.x, b=ns.x) %}"
    "{% endfor %}{{ ns.x }}",
    "deep text": _DEEP + "{{ ns.x }}",
    "deep json": _DEEP + "{{ ns.x|tojson }}",
    "deep json indented": _DEEP + "{{ ns.x|tojson(indent=2) }}",
    "deep compare": _DEEP + "{% set a = ns.x %}" + _DEEP + "{{ a == ns.x }}",
    "deep hash": _DEEP_TUPLE + "{{ {ns.x: 1} }}",
    "deep key": _DEEP_TUPLE + "{{ {'a': 1}[ns.x] }}",
    "deep get": _DEEP_TUPLE + "{{ {'a': 1}.get(ns.x) }}",
    "deep unique": _DEEP_TUPLE + "{{ [ns.x, ns.x]|unique|list|length }}",
    "deep dropped": _DEEP + "{% set ns.x = 1 %}done",
    "namespace of itself": "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
    **{
        f"kept deep: {name}": "{% macro args() %}{% set ns.x = varargs %}{% endmacro %}"
        "{% macro keys() %}{% set ns.x = kwargs %}{% endmacro %}"
        + _GROW
        + "{% set rows = namespace() %}"
        + "{% for i in range(20000) %}"
        + step
        + "{% endfor %}done"
        for name, step in {
            "list": "{% set ns.x = [ns.x] %}",
            "tuple": "{% set ns.x = (ns.x,) %}",
            "dict": "{% set ns.x = {'a': ns.x} %}",
            "dict function": "{% set ns.x = dict(a=ns.x) %}",
            "namespace": "{% set ns.x = namespace(a=ns.x) %}",
            "namespaces in a row": "{% set n = namespace() %}{% set t = rows.tail or n %}"
            "{% set t.next = n %}{% set rows.tail = n %}",
            "namespaces in lists": "{% set n = namespace() %}{% set t = (rows.tail or [n])[0] %}"
            "{% set t.next = [[n]] %}{% set rows.tail = [n] %}",
            "iterator": "{% set ns.x = [ns.x]|select %}",
            "reversed": "{% set ns.x = [ns.x, 1]|reverse %}",
            "items": "{% set ns.x = {'a': ns.x}|items %}",
            "dictsort": "{% set ns.x = {'a': ns.x}|dictsort %}",
            "values": "{% set ns.x = {'a': ns.x}.values() %}",
            "undefined": "{% set ns.x = [ns.x].nothing %}",
            "undefined by key": "{% set ns.x = {}[(ns.x, 1)] %}",
            "namespace of a dict": "{% set ns.x = namespace({'a': ns.x}) %}",
            "method": "{% set ns.x = [ns.x].copy %}",
            "macro arguments": "{{ args(ns.x) }}",
            "macro keywords": "{{ keys(a=ns.x) }}",
            "cycler": "{% set ns.x = cycler(ns.x) %}",
            "joiner": "{% set ns.x = joiner(ns.x) %}",
            "loop": "{% for y in [ns.x] %}{% set ns.x = loop %}{% endfor %}",
            "loop in a list": "{% for y in [ns.x] %}{% set ns.x = [loop] %}{% endfor %}",
            "changed loop": "{% set ns.x = [ns.x] %}{% if loop.changed(ns.x) %}{% endif %}",
            "macro": "{% for y in [ns.x] %}{% macro g() %}{{ y }}{% endmacro %}"
            "{% set ns.x = g %}{% endfor %}",
        }.items()
    },
    "kept deep: call by call": "{% macro f(x) %}{{ f("
    + "[" * 38
    + "x"
    + "]" * 38
    + ") }}{% endmacro %}{{ f(1) }}",
    "kept deep: name by name": "{% set x = 1 %}" + "{% set x = [x] %}" * 1000,
    "kept deep: with": "{% with x = [x] %}" * 39 + "{% endwith %}" * 39,
    "kept deep: filter": "{{ [1]" + "|batch(1)" * 30 + " }}",
    "rfind": "{% set n = 'b' ~ 'a' * 400000 %}{{ ('a' * 900000).rfind(n) }}",
    "rsplit": "{% set n = 'b' ~ 'a' * 400000 %}{{ ('a' * 900000).rsplit(n)|length }}",
    "rfind often": "{% set n = 'b' ~ 'a' * 500 %}{% set h = 'a' * 2000 %}"
    + _FOREVER
    + "{% set x = h.rfind(n) %}"
    + _END,
    "find often": "{% set n = 'a' * 50 ~ 'b' ~ 'a' * 49 %}{% set h = 'a' * 2400 %}"
    + _FOREVER
    + "{% set x = n in h %}"
    + _END,
    "compare often": _BIG + _FOREVER + "{% if z == y %}{% endif %}" + _END,
    "order often": _BIG + _FOREVER + "{% if z < y %}{% endif %}" + _END,
    "in list often": _BIG
    + "{% set l = [z] * 1000 %}"
    + _FOREVER
    + "{% if y in l %}{% endif %}"
    + _END,
    "in range often": _FOREVER + "{% if 'a' in range(99999) %}{% endif %}" + _END,
    "starts often": _BIG + _FOREVER + "{% set x = z.startswith(s) %}" + _END,
    "literal often": _FOREVER + "{% set x = [" + "1," * 9000 + "] %}" + _END,
    "names often": _FOREVER + "{% if " + "nothing and " * 60 + "nothing %}{% endif %}" + _END,
    "literal kept": "{% set ns = namespace(x=[]) %}"
    + _FOREVER
    + "{% set ns.x = [ns.x, ["
    + "1," * 9000
    + "]] %}"
    + _END,
    "false loop": "{% for i in range(99999) %}{% for j in range(99999) if false %}" + _END,
    "filtered loop": "{% for i in range(99999) %}{% for j in range(99999) if j is odd %}" + _END,
    "list often": _FOREVER + "{% set x = range(99999)|list %}" + _END,
    "lists kept": "{% set ns = namespace(x=[]) %}"
    + _FOREVER
    + "{% set ns.x = [ns.x, [0] * 99999] %}"
    + _END,
    "slices kept": _BIG
    + "{% set ns = namespace(x=[]) %}"
    + _FOREVER
    + "{% set ns.x = [ns.x, s[1:]] %}"
    + _END,
    "reversed kept": _BIG
    + "{% set ns = namespace(x=[]) %}"
    + _FOREVER
    + "{% set ns.x = [ns.x, s[::-1]] %}"
    + _END,
    "wide text": "{% set ns = namespace(x=[]) %}{% for i in range(9999) %}"
    "{% set ns.x = [ns.x, '\U0001f600' * 900000] %}{% endfor %}",
    "doubling": "{% set ns = namespace(s='aa') %}{% for i in range(99) %}"
    "{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    "doubling list": "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}"
    "{% set ns.s = ns.s + ns.s %}{% endfor %}",
    "doubling tuple": "{% set ns = namespace(s=(1,)) %}{% for i in range(99) %}"
    "{% set ns.s = ns.s * 2 %}{% endfor %}",
    "output in a macro": "{% macro f() %}"
    + _FOREVER
    + "x" * 100_000
    + _END
    + "{% endmacro %}{{ f()|length }}",
    "output set": "{% set x %}" + _FOREVER + "x" * 100_000 + _END + "{% endset %}",
    "output filtered": "{% filter upper %}" + _FOREVER + "x" * 100_000 + _END + "{% endfilter %}",
    "output": _FOREVER + "x" * 100_000 + _END,
    "upper": "{{ ('\u0390' * 900000).upper()|length }}",
    "title": "{{ ('a ' * 900000)|title|length }}",
    "words": "{{ ('a ' * 900000)|wordcount }}",
    "split": "{{ ('ab ' * 1300000).split()|length }}",
    "split often": "{% set s = 'ab ' * 300000 %}" + _FOREVER + "{% set x = s.split(' ') %}" + _END,
    "lines": "{{ ('ab\\n' * 1300000).splitlines()|length }}",
    "replace nothing": "{{ ('a' * 900000)|replace('', 'b' * 900000) }}",
    "replace method": "{{ ('a' * 900000).replace('', 'b' * 900000) }}",
    "join method": "{{ ('a' * 900000).join(['b'] * 9000)|length }}",
    "join filter": "{{ (['b'] * 9000)|join('a' * 900000)|length }}",
    "indent": "{{ ('a\\n' * 100000)|indent(2000000000)|length }}",
    "indent text": "{{ ('a\\n' * 100000)|indent('b' * 100000)|length }}",
    "json indented by text": "{{ messages|tojson(indent='b' * 100000) }}",
    "json separated": "{{ messages|tojson(separators=('b' * 100000, 'c')) }}",
    "center": "{{ 'a'.center(2000000000)|length }}",
    "center filter": "{{ 'a'|center(2000000000)|length }}",
    "zfill": "{{ 'a'.zfill(2000000000)|length }}",
    "tabs": "{{ '\\t'.expandtabs(2000000000)|length }}",
    "batch": "{{ [1]|batch(2000000000, 0)|list|length }}",
    "slice filter": "{{ [1]|slice(2000000000)|list|length }}",
    "escape": "{{ ('&' * 900000)|e|e|e|length }}",
    "lipsum": "{{ lipsum(n=1000000) }}",
    "arguments": "{% macro f() %}{{ varargs|length }}{% endmacro %}"
    + _FOREVER
    + "{{ f(*range(99999)) }}"
    + _END,
    "keywords": "{% macro f() %}{{ kwargs|length }}{% endmacro %}"
    + _FOREVER
    + "{{ f(**dict(a=1)) }}"
    + _END,
    "recursive loop": "{% for x in [[1]] recursive %}{{ loop([x]) }}{% endfor %}",
    "caller": "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}",
    "macro pair": "{% macro f() %}{{ g() }}{% endmacro %}"
    "{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}",
    "macro tree": "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}"
    "{{ f(38) }}",
    "macro in a loop's condition": "{% macro f(n) %}{% for x in [n] if f(n) is string %}"
    "{{ loop.index }}{% endfor %}{% endmacro %}{{ f(1) }}",
    "recursive loop with a condition": "{% for x in [1] if true recursive %}{{ loop([1]) }}"
    "{% endfor %}",
    "macro in a default": "{% macro f() %}{% macro g(y=f()) %}{{ y }}{% endmacro %}{{ g() }}"
    "{% endmacro %}{{ f() }}",
    "macro by name": "{% macro f(g) %}{{ g(g) }}{% endmacro %}{{ f(f) }}",
    "date": "{{ strftime_now('%2000000000d' * 9) }}",
    "long date": "{{ strftime_now('%c' * 1000000) }}",
    "complaint": "{{ raise_exception('a' * 900000) }}",
    "shadowed names": "{% set environment = 1 %}{% set context = 1 %}{% set step = 1 %}"
    + _FOREVER
    + "{% set environment = 2 %}"
    + _END,
}

NESTED = {
    "brackets": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "lists": "{{ " + "[" * 5000 + "]" * 5000 + " }}",
    "dicts": "{{ " + "{1:" * 5000 + "1" + "}" * 5000 + " }}",
    "calls": "{{ " + "f(" * 5000 + ")" * 5000 + " }}",
    "subscripts": "{{ " + "a[" * 5000 + "1" + "]" * 5000 + " }}",
    "not": "{{ " + "not " * 5000 + "1 }}",
    "minus": "{{ " + "- " * 5000 + "1 }}",
    "plus": "{{ " + "+" * 5000 + "1 }}",
    "minus after a name": "{{ a " + "- " * 5000 + "1 }}",
    "else": "{{ " + "1 if 0 else " * 3000 + "1 }}",
    "if in else": "{{ " + "(1 if 0 else " * 60 + "1" + ")" * 60 + " }}",
    "sum chain": "{{ 1" + "+1" * 5000 + " }}",
    "and chain": "{{ 1" + " and 1" * 5000 + " }}",
    "power chain": "{{ 1" + "**1" * 5000 + " }}",
    "filter chain": "{{ 'a'" + "|trim" * 5000 + " }}",
    "test chain": "{{ 1" + " is odd" * 3000 + " }}",
    "attribute chain": "{{ a" + ".a" * 5000 + " }}",
    "call chain": "{{ a" + "()" * 5000 + " }}",
    "compare chain": "{{ 1" + " < 1" * 5000 + " }}",
    "elif": "{% if 0 %}" + "{% elif 0 %}" * 5000 + "{% endif %}",
    "set blocks": "{% set a %}" * 2000 + "{% endset %}" * 2000,
    "macros": "{% macro a() %}" * 2000 + "{% endmacro %}" * 2000,
    "with": "{% with %}" * 2000 + "{% endwith %}" * 2000,
    "filter blocks": "{% filter upper %}" * 2000 + "{% endfilter %}" * 2000,
    "call blocks": "{% call f() %}" * 2000 + "{% endcall %}" * 2000,
    "generation": "{% generation %}" * 2000 + "{% endgeneration %}" * 2000,
    "mixed": "{% if [[[[[[[[[[1]]]]]]]]]] %}" * 39 + "{% endif %}" * 39,
    "at every limit": "{% if 1 %}" * 30
    + "{{ "
    + "(" * 9
    + "1"
    + "+1" * 40
    + ")" * 9
    + " }}"
    + "{% endif %}" * 30,
    "set blocks hidden": "{% set a|upper %}" * 2000 + "{% endset %}" * 2000,
    "set blocks with an equals sign": "{% set a|f(b=1) %}" * 2000 + "{% endset %}" * 2000,
    "chains in brackets": "{{ " + ("(1" + "+1" * 100) * 39 + ")" * 39 + " }}",
    "longest chain": "{{ 1" + "+1" * 70 + " }}",
    "longest chain freed": "{{ 1" + "+1" * 199 + " }}",
    "calls on calls": "{{ a" + "()" * 3000 + " }}",
    "subscripts on subscripts": "{{ a" + "[1]" * 3000 + " }}",
    "chain over tags": "{{ 1 }}" * 1000 + "{{ 1" + "|abs" * 190 + " }}",
    "unclosed": "{{ " + "(" * 5000,
    "unclosed blocks": "{% if 1 %}" * 2000,
    "unclosed comment": "{# " * 5000,
    "many names": "".join(f"{{% set a{i} = {i} %}}" for i in range(9000)),
    "many macros": "".join(f"{{% macro a{i}() %}}{{% endmacro %}}" for i in range(3000)),
    "many outputs": "{{ 1 }}" * 9000,
    "too long": "x" * 300_000,
    "no character": "{{ '\0' }}\0",
    "lone surrogate": "{{ '\ud800' }}",
    "infinite literal": "{{ 1e999 }}",
}

ATTACKS = {**CODE, **BOMBS, **NESTED}
