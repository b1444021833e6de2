"""Renders deploy/helm/lastout as `helm template` does, as far as its templates go.

Debian 12 has no helm. The part of Go's templates that the chart uses is small: if, with, range, variables,
pipes and a handful of functions. Anything else is an error here, and so cannot creep into the chart untested.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Iterator

import yaml

from place import ROOT

CHART = ROOT / "deploy" / "helm" / "lastout"
ACTION = re.compile(r"(\s*)\{\{-\s*(.*?)\s*\}\}|\{\{\s*(.*?)\s*\}\}", re.DOTALL)
WORD = re.compile(r'"[^"]*"|\(|\)|\||[^\s()|]+')


class Node:
    """Text, an expression, or a block: its branches, each with what it depends on."""

    def __init__(self, kind: str, text: str = "") -> None:
        self.kind = kind
        self.text = text
        self.inside: list[Node] = []


def parse(template: str) -> Node:
    root = Node("root")
    stack = [root]
    at = 0
    for match in ACTION.finditer(template):
        text = template[at : match.start()]
        at = match.end()
        words = match.group(2) if match.group(2) is not None else match.group(3)
        if text:
            stack[-1].inside.append(Node("text", text))
        keyword, _, rest = words.partition(" ")
        if words.startswith("/*"):
            continue
        if keyword == "end":
            stack.pop()
            continue
        node = Node(keyword if keyword in ("if", "with", "range") else "value", rest)
        if node.kind == "value":
            node.text = words
        stack[-1].inside.append(node)
        if node.kind != "value":
            stack.append(node)
    assert stack == [root], "a block has no end"
    root.inside.append(Node("text", template[at:]))
    return root


class Scope:
    def __init__(self, top: dict[str, Any]) -> None:
        self.variables: dict[str, Any] = {"$": top}

    def render(self, node: Node, dot: Any) -> str:
        return "".join(self._piece(child, dot) for child in node.inside)

    def _piece(self, node: Node, dot: Any) -> str:
        if node.kind == "text":
            return node.text
        if node.kind == "value":
            name, is_set, expression = node.text.partition(" := ")
            if is_set:
                self.variables[name] = self._evaluate(expression, dot)
                return ""
            value = self._evaluate(node.text, dot)
            assert value is not None, f"{node.text} has no value"
            return str(value)
        value = self._evaluate(node.text, dot)
        if not value:
            return ""
        if node.kind == "range":
            return "".join(self.render(node, item) for item in value)
        return self.render(node, value if node.kind == "with" else dot)

    def _evaluate(self, expression: str, dot: Any) -> Any:
        words = iter(WORD.findall(expression))
        value = self._pipe(words, dot)
        assert next(words, None) is None, expression
        return value

    def _pipe(self, words: Iterator[str], dot: Any) -> Any:
        value, terms = None, []
        for word in words:
            if word in ("|", ")"):
                value, terms = call(terms, value), []
                if word == ")":
                    return value
            else:
                terms.append(self._pipe(words, dot) if word == "(" else self._term(word, dot))
        return call(terms, value)

    def _term(self, word: str, dot: Any) -> Any:
        if word[0] == '"':
            return word[1:-1]
        if word.isdigit():
            return int(word)
        if word[0] not in ".$":
            return FUNCTIONS[word]
        name, _, path = word.partition(".")
        value = self.variables[name] if name else dot
        # What begins with a capital is of the top, which is all that the chart means by it.
        if not name and path[:1].isupper():
            value = self.variables["$"]
        for key in filter(None, path.split(".")):
            value = value.get(key)
        return value


def call(terms: list[Any], piped: Any) -> Any:
    first, *arguments = terms
    if not callable(first):
        assert not arguments and piped is None
        return first
    return first(*arguments, *([] if piped is None else [piped]))


def nindent(spaces: int, text: str) -> str:
    return "\n" + "\n".join(" " * spaces + line for line in text.splitlines())


def required(message: str, value: Any) -> Any:
    assert value, message
    return value


FUNCTIONS = {
    "toYaml": lambda value: yaml.safe_dump(value, sort_keys=True).rstrip("\n"),
    "nindent": nindent,
    "quote": json.dumps,
    "sha256sum": lambda text: hashlib.sha256(text.encode()).hexdigest(),
    "index": lambda mapping, key: mapping.get(key),
    "default": lambda fallback, value="": value or fallback,
    "required": required,
}


def values() -> dict[str, Any]:
    return yaml.safe_load((CHART / "values.yaml").read_text())


def render(set_values: dict[str, Any], namespace: str = "lastout") -> list[dict[str, Any]]:
    info = yaml.safe_load((CHART / "Chart.yaml").read_text())
    top = {
        "Values": {**values(), **set_values},
        "Release": {"Namespace": namespace},
        "Chart": {"AppVersion": info["appVersion"]},
    }
    objects: list[dict[str, Any]] = []
    for template in sorted((CHART / "templates").glob("*.yaml")):
        text = Scope(top).render(parse(template.read_text()), top)
        objects += filter(None, yaml.safe_load_all(text))
    return objects

