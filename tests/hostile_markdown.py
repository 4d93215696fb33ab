"""Markdown that tries to run, fetch, cover or overwhelm something; a page must only show it."""

SCRIPTS = """
<script>window.hacked = 1</script>
<img src=x onerror="window.hacked = 1"><svg onload="window.hacked = 1"></svg>
<iframe srcdoc="<script>parent.hacked = 1</script>"></iframe>
<object data="javascript:hacked=1"></object>
<math><mtext><table><mglyph><style><!--</style>
<img title="--&gt;&lt;img src=x onerror=hacked=1&gt;">
<form><math><mtext></form><form><mglyph><style></math>
<img src onerror=window.hacked=1>
<a href="javascript:window.hacked=1" onclick="window.hacked=1">raw</a><base href="https://evil.example/">
<style>* { display: none !important }</style><link rel=stylesheet href="https://evil.example/x.css">
<meta http-equiv=refresh content="0;url=https://evil.example/"><input autofocus onfocus="hacked=1">
""".strip()

LINKS = """
[a](javascript:window.hacked=1) [b](JaVaScRiPt:window.hacked=1)
[c](data:text/html,<script>1</script>) [d](vbscript:x) [e]( javascript:x )
[f](java&#115;cript:x) [g](&#x6A;avascript:x) [h](\x01javascript:x) [p](<java\tscript:x>)
<javascript:window.hacked=1> [i](file:///etc/passwd) [j](//evil.example/x) [k](/relative) [l][m]
[n](https://good.example/?q="onmouseover="hacked=1) [o](https://good.example 'x" onclick="hacked=1')

[m]: javascript:window.hacked=1
""".strip()

IMAGES = """
![x](https://evil.example/pixel.png) ![x" onerror="hacked=1](https://evil.example/a.png)
![](data:image/svg+xml,<svg onload=hacked=1>) [![in a link](https://evil.example/b.png)](https://evil.example/)
""".strip()

CODE = """
```html" onmouseover="window.hacked=1
<script>window.hacked = 1</script>
```

```tex-block language-x
not a formula
```

`<img src=x onerror=hacked=1>` and ``<script>hacked=1</script>``
""".strip()

MATH = r"""
$\href{javascript:window.hacked=1}{x}$ $\url{javascript:x}$
$\includegraphics{https://evil.example/x.png}$ $\text{<img src=x onerror=hacked=1>}$
$\class{hidden}{x} \id{prompt}{y} \style{position:fixed}{z} \data{a=b}{c}$
$\def\x{\x\x}\x$ $\rule{9999em}{9999em}$ $\kern{-9999em}x$

$$\newcommand\a[1]{#1#1#1#1#1#1#1#1#1#1}\a{\a{\a{\a{\a{\a{x}}}}}}$$
""".strip()

# Each is slow in a parser that backtracks or recurses.
HEAVY = {
    "quotes": "> " * 3000 + "x",
    "lists": "".join("  " * i + "- x\n" for i in range(300)),
    "stars": "*a **b " * 1500,
    "brackets": "[" * 4000 + "x" + "]" * 4000,
    "parentheses": "[a](" + "(" * 3000,
    "ticks": "`a``b```c" * 800,
    "dollars": "$a \\(b \\[c $$" * 500,
    "table": "|a" * 1000 + "\n" + "|-" * 1000 + "\n" + "|x" * 1000,
    "one word": "x" * 60_000,
    "one line of code": "```js\n" + "f(1)+" * 8000 + "\n```",
    "lines of code": "```python\n" + "x = [1, 2, 'three']  # four\n" * 2000 + "```",
    "entities": "&amp;&#x3c;&lt;" * 2000,
    "emphasis": "_" * 5000 + "x",
    "html": "<a" * 5000,
    "links": "[a](b " * 2000,
}

HOSTILE = {"scripts": SCRIPTS, "links": LINKS, "images": IMAGES, "code": CODE, "math": MATH}
