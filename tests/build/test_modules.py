"""ES modules as one classic script: what is read, and what is refused."""

import re

import pytest

from setup_modules import load

modules = load("modules")


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ('import { a, b as c } from "./x.js";', 'const { a, b: c } = __use("x.js");'),
        ('import * as x from "./x.js";', 'const x = __use("x.js");'),
        ('import x from "./x.js";', 'const { default: x } = __use("x.js");'),
        ('import {\n  a,\n} from "./x.js";', 'const {\n  a,\n} = __use("x.js");'),
        ('import "./x.js";', '__use("x.js");'),
        ('const x = await import("./x.js");', 'const x = await __load(__url, "./x.js");'),
        ("new URL(import.meta.url);", "new URL(__url);"),
        ("class A {\n  async import(files) {}\n}", "class A {\n  async import(files) {}\n}"),
        ("wgslm.import(1);", "wgslm.import(1);"),
    ],
)
def test_imports_become_constants(source: str, body: str) -> None:
    assert modules.function_body("y.js", source) == f"{body}\nreturn {{  }};"


@pytest.mark.parametrize(
    ("source", "exports"),
    [
        ("export const a = 1;", "a: a"),
        ("export async function* a() {}\nexport class B {}", "a: a, B: B"),
        ("var k = 1;export{k as default};", "default: k"),
        ("let a, b;\nexport { a, b as c };\n//# sourceMappingURL=x.map", "a: a, c: b"),
        ("function f(){}export default f;", "default: f"),
    ],
)
def test_exports_are_returned(source: str, exports: str) -> None:
    body = modules.function_body("y.js", source)

    assert "export" not in body and "sourceMap" not in body
    assert body.endswith(f"return {{ {exports} }};")


@pytest.mark.parametrize(
    "source",
    [
        "export let a = 1;",
        'export * from "./x.js";',
        'export { a } from "./x.js";',
        "export default class {}",
        'import a, { b } from "./x.js";',
        'import a from "bare";',
        "console.log(import.meta.env);",
    ],
)
def test_other_forms_are_refused_by_name(source: str) -> None:
    with pytest.raises(SystemExit, match=r"^y\.js"):
        modules.function_body("y.js", source)


def test_modules_come_with_all_that_they_import_and_once() -> None:
    site = {
        "a.js": b'import "./b/c.js";\nimport("./d.js");',
        "b/c.js": b'import "../e.js";',
        "d.js": b'import "./e.js";',
        "e.js": b"",
        "unused.js": b"",
    }

    joined = modules.join(site, ["a.js"])

    assert re.findall(r'^"(.+)": ', joined, re.M) == ["e.js", "b/c.js", "a.js", "d.js"]


def test_modules_that_import_each_other_are_refused() -> None:
    site = {"a.js": b'import "./b.js";', "b.js": b'import "./a.js";'}

    with pytest.raises(SystemExit, match=r"import each other: a\.js → b\.js → a\.js"):
        modules.join(site, ["a.js"])


def test_module_that_is_not_there_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"a\.js imports b\.js: no such file"):
        modules.join({"a.js": b'import "./b.js";'}, ["a.js"])


def test_nothing_in_a_script_ends_it_early() -> None:
    joined = modules.join({"a.js": b'const text = "</script><!--";'}, ["a.js"])

    assert "\\x3C/script>\\x3C!--" in joined and "</script" not in joined
