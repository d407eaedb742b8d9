"""JSON Schema (2020-12) of a msgspec type, with what its docstrings say about each field."""

from __future__ import annotations

import ast
import functools
import inspect
import json
import re
import textwrap
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from brain.contracts.glossary import meaning

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_ROLE = re.compile(r":\w+:`~?(?:[\w.]*\.)?(\w+)`")
_SENTENCE = re.compile(r"(?<=\.)\s+(?=[^a-z])")


def of_type(kind: Any) -> dict[str, Any]:
    """Schema of a struct, its own keywords at the top, or of a union of tagged ones; structs in it under ``$defs``.

    A field is described by the docstring below it, else by the sentences of the class's docstring that name it between
    double backticks (or of a base class), else by the glossary. Readers must let unknown fields pass.
    """
    (top,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    classes = {cls.__name__: cls for cls in structs(kind)}
    for name, schema in components.items():
        if name in classes:
            _describe(schema, classes[name])
        elif "description" in schema:
            # An enum's: its docstring is for those who write it.
            schema["description"] = _flat(schema["description"]).split(": ", 1)[0]
    if "$ref" in top:
        top = components.pop(top["$ref"].rpartition("/")[2])
    if components:
        top["$defs"] = {name: components[name] for name in sorted(components)}
    # Defaults are Python's, tuples for example: what is compared and written is JSON.
    plain: dict[str, Any] = json.loads(json.dumps(top))
    return plain


def structs(kind: Any) -> list[type[msgspec.Struct]]:
    """All structs that a type is made of, in the order in which they are met."""
    found: dict[type[msgspec.Struct], None] = {}
    _walk(msgspec.inspect.type_info(kind), found)
    return list(found)


def _walk(node: Any, found: dict[type[msgspec.Struct], None]) -> None:
    if isinstance(node, msgspec.inspect.StructType):
        if node.cls in found:
            return
        found[node.cls] = None
        for field in node.fields:
            _walk(field.type, found)
    elif isinstance(node, msgspec.inspect.Type):
        for name in node.__struct_fields__:
            value = getattr(node, name)
            for part in value if isinstance(value, tuple) else (value,):
                _walk(part, found)


def _describe(schema: dict[str, Any], cls: type[msgspec.Struct]) -> None:
    """Put the docstrings in; ``schema`` is that of the struct ``cls``."""
    schema["description"] = _flat(inspect.getdoc(cls) or "")
    own = _below(cls)
    docs = (
        base.__doc__ or "" for base in cls.__mro__ if issubclass(base, msgspec.Struct) and base is not msgspec.Struct
    )
    sentences = [s for doc in docs for s in _SENTENCE.split(re.sub(r"\s+", " ", inspect.cleandoc(doc)))]
    info = msgspec.inspect.type_info(cls)
    assert isinstance(info, msgspec.inspect.StructType)
    for field in info.fields:
        text = own.get(field.name) or " ".join(s for s in sentences if f"``{field.name}``" in s)
        if text:
            schema["properties"][field.encode_name]["description"] = _flat(text)
    explain(schema, cls.__name__)


def explain(schema: dict[str, Any], kind: str) -> None:
    """Give the properties that have no description the glossary's."""
    for name, shape in schema.get("properties", {}).items():
        if "description" not in shape and (text := meaning(kind, name)):
            shape["description"] = text


@functools.cache
def _below(cls: type[msgspec.Struct]) -> dict[str, str]:
    """Docstrings that stand below fields, those of base classes included."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if issubclass(base, msgspec.Struct) and base is not msgspec.Struct:
            found |= dict(_documented(base))
    return found


def _documented(cls: type[msgspec.Struct]) -> Iterator[tuple[str, str]]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(body, ast.ClassDef)
    for line, after in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
        ):  # fmt: skip
            yield line.target.id, after.value.value


def _flat(text: str) -> str:
    """One line without the marks of a docstring."""
    return _ROLE.sub(r"\1", re.sub(r"\s+", " ", text).strip()).replace("``", "").replace("`", "")
