"""Whether a schema may take the place of another without breaking those who rely on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from brain.contracts.catalogue import Way

Schema = Mapping[str, Any]

TALK: Final = frozenset(
    ("$schema", "$id", "$defs", "$comment", "title", "description", "examples", "deprecated", "x-version")
)
"""Keywords that bind nobody."""
FLOORS: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
CEILINGS: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_WALKED: Final = frozenset(
    ("$ref", "type", "enum", "const", "anyOf", "oneOf", "properties", "required", "items", "prefixItems",
     "additionalProperties", "default", "discriminator", *FLOORS, *CEILINGS)
)  # fmt: skip
_OF: Final = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null", list: "array",
              dict: "object"}  # fmt: skip


class Change(NamedTuple):
    """One difference: where, what, and whether it breaks those who rely on the old form."""

    where: str
    what: str
    breaks: bool

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def changes(old: Schema, new: Schema, way: Way) -> list[Change]:
    """All differences that bind anyone, in the order of the new schema.

    ``way`` says who relies on it: of ``out`` the readers of what the brain writes, of ``in`` the writers of what it
    reads. An optional field that is new is compatible, and so is a value added to an enumeration: readers must expect
    values they do not know. A field that is gone, renamed, of another type, newly required, or with fewer values
    breaks, either way; so does another default, as absent fields then mean something else. A wider type or bound breaks
    readers, a narrower one writers. Keywords that cannot be judged (``allOf``, ``not``, …) break when they differ.
    """
    return list(_Pair(old, new, way).node(old, new, "$"))


class _Pair:
    def __init__(self, old: Schema, new: Schema, way: Way) -> None:
        self._old, self._new, self._way = old, new, way
        self._open: set[tuple[str, str]] = set()

    def node(self, old: Schema, new: Schema, where: str) -> Iterator[Change]:
        """Differences of two subschemas at one place."""
        refs = (str(old.get("$ref", "")), str(new.get("$ref", "")))
        if any(refs):
            if refs in self._open:
                return
            self._open.add(refs)
        yield from self._default(old, new, where)
        a, b = _resolved(old, self._old), _resolved(new, self._new)
        before, after = _alternatives(a, self._old), _alternatives(b, self._new)
        yield from self._types(set(before), set(after), where)
        for kind in before:
            if kind in after:
                yield from self._same(before[kind], after[kind], where)
        if any(refs):
            self._open.discard(refs)

    def _default(self, old: Schema, new: Schema, where: str) -> Iterator[Change]:
        if "default" in old and "default" in new and old["default"] != new["default"]:
            yield Change(where, f"default {old['default']!r} is now {new['default']!r}", breaks=True)

    def _types(self, before: set[str], after: set[str], where: str) -> Iterator[Change]:
        lost, gained = before - after, after - before
        if "number" in after and self._way == "in":
            lost = lost - {"integer"}
        if not lost and not gained:
            return
        what = [
            f"{' and '.join(sorted(kinds))} {word}" for kinds, word in ((lost, "no more"), (gained, "is new")) if kinds
        ]
        yield Change(where, f"type: {', '.join(what)}", breaks=bool(lost) or self._way == "out")

    def _same(self, old: Schema, new: Schema, where: str) -> Iterator[Change]:
        yield from self._values(old, new, where)
        yield from self._bounds(old, new, where)
        yield from self._fields(old, new, where)
        yield from self._parts(old, new, where)
        for name in sorted((set(old) | set(new)) - TALK - _WALKED):
            if old.get(name) != new.get(name):
                yield Change(where, f"{name} differs, which cannot be judged", breaks=True)

    def _values(self, old: Schema, new: Schema, where: str) -> Iterator[Change]:
        before, after = _enumerated(old), _enumerated(new)
        if before is None and after is None:
            return
        if before is None or after is None:
            what = "any value is now one of a list" if before is None else "one of a list is now any value"
            yield Change(where, what, breaks=(before is None) == (self._way == "in"))
            return
        for value in before:
            if value not in after:
                yield Change(where, f"value {value!r} is gone", breaks=True)
        for value in after:
            if value not in before:
                yield Change(where, f"value {value!r} is new", breaks=False)

    def _bounds(self, old: Schema, new: Schema, where: str) -> Iterator[Change]:
        for names, sign in ((FLOORS, 1), (CEILINGS, -1)):
            for name in names:
                a, b = old.get(name), new.get(name)
                if a == b:
                    continue
                tighter = a is None or (b is not None and (b - a) * sign > 0)
                yield Change(where, f"{name} {a} is now {b}", breaks=tighter == (self._way == "in"))

    def _fields(self, old: Schema, new: Schema, where: str) -> Iterator[Change]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed, needs = set(old.get("required", ())), set(new.get("required", ()))
        fresh = [name for name in after if name not in before]
        for name in before:
            at = f"{where}.{name}"
            if name not in after:
                twin = next((other for other in fresh if _bare(after[other]) == _bare(before[name])), "")
                yield Change(at, f"is gone{f' (renamed to {twin}?)' if twin else ''}", breaks=True)
                continue
            if name in needs and name not in needed:
                yield Change(at, "is now required", breaks=True)
            elif name in needed and name not in needs:
                yield Change(at, "is no longer always there", breaks=self._way == "out")
            yield from self.node(before[name], after[name], at)
        for name in fresh:
            what = "is new, and required" if name in needs else "is new"
            yield Change(f"{where}.{name}", what, breaks=name in needs)

    def _parts(self, old: Schema, new: Schema, where: str) -> Iterator[Change]:
        a, b = old.get("prefixItems", []), new.get("prefixItems", [])
        if len(a) != len(b):
            yield Change(where, f"a list of {len(a)} is now one of {len(b)}", breaks=True)
        else:
            for n, (one, other) in enumerate(zip(a, b, strict=True)):
                yield from self.node(one, other, f"{where}[{n}]")
        for name, sign in (("items", "[]"), ("additionalProperties", ".*")):
            one, other = old.get(name, True), new.get(name, True)
            if isinstance(one, Mapping) and isinstance(other, Mapping):
                yield from self.node(one, other, where + sign)
            elif one != other:
                narrower = other is False or (one is True and isinstance(other, Mapping))
                yield Change(where + sign, f"{name} differs", breaks=narrower or self._way == "out")


def _resolved(node: Schema, root: Schema) -> Schema:
    for _ in range(20):
        ref = node.get("$ref")
        if not isinstance(ref, str):
            return node
        found: Any = root
        for part in ref.removeprefix("#/").split("/"):
            found = found[part]
        node = found
    raise ValueError(f"$ref {node.get('$ref')}: leads in a circle")


def _alternatives(node: Schema, root: Schema) -> dict[str, Schema]:
    """JSON type → the schema that holds for it; objects told apart by a tag each have their own, as ``tag=value``.

    Several of one type without a tag are one that cannot be judged.
    """
    branches = node.get("anyOf") or node.get("oneOf")
    if branches is None or "type" in node:
        kinds = _kinds(node)
        return dict.fromkeys(kinds, node)
    tag = node.get("discriminator", {}).get("propertyName", "")
    found: dict[str, Schema] = {}
    for branch in branches:
        for kind, schema in _alternatives(_resolved(branch, root), root).items():
            values = _enumerated(schema.get("properties", {}).get(tag, {}))
            if values:
                kind = f"{tag}={'|'.join(map(str, values))}"
            found[kind] = _either(found[kind], schema) if kind in found else schema
    return found


def _either(one: Schema, other: Schema) -> Schema:
    """Two schemas of one JSON type as one: lists of values together, others as something that cannot be judged."""
    values = [_enumerated(one), _enumerated(other)]
    if all(found is not None for found in values) and not (set(one) | set(other)) - TALK - {"enum", "const"}:
        return {"enum": [value for found in values for value in found or ()]}
    return {"several": [one, other]}


def _kinds(node: Schema) -> list[str]:
    kinds = node.get("type")
    if isinstance(kinds, str):
        return [kinds]
    if isinstance(kinds, list):
        return sorted(kinds)
    values = _enumerated(node)
    if values:
        return sorted({_OF[type(value)] for value in values})
    return ["object"] if "properties" in node else ["anything"]


def _enumerated(node: Schema) -> list[Any] | None:
    if "const" in node:
        return [node["const"]]
    found = node.get("enum")
    return list(found) if found is not None else None


def _bare(node: Schema) -> dict[str, Any]:
    return {name: value for name, value in node.items() if name not in TALK}
