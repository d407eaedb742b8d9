"""``brain token``: tokens for trials and programs, signed by a key of one's own; what a token would be taken for."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from brain.commands.common import Lang, fail, load_settings
from brain.incidents.actions import Role as Duty
from brain.screen.access.config import AccessError, load
from brain.screen.access.demo import issue as signed
from brain.screen.access.keys import private_of
from brain.screen.access.rights import Role
from brain.screen.access.tokens import TokenRefused, Verifier, keys_of, separate

app = typer.Typer(no_args_is_help=True)
console = Console()
AccessFile = Annotated[Path, typer.Option("--access", help="access.yaml: issuer, audience, keys / 访问配置")]

_SPAN = re.compile(r"(\d{1,6})(s|min|h|d)")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_ZH = {
    "span": "--for: 应为 30min、12h 之类, 而不是 {got!r}",
    "key": "--key: 其算法 {got} 不在 access.yaml 的 {listed} 之中",
    "refused": "不接受: {why} — {detail}", "empty": "标准输入中没有令牌",
}  # fmt: skip
_EN = {
    "span": "--for: expected 30min, 12h or the like, got {got!r}",
    "key": "--key: it signs by {got}, which is none of {listed} in access.yaml",
    "refused": "not taken: {why} — {detail}", "empty": "there is no token on standard input",
}  # fmt: skip


@app.command()
def issue(
    access: AccessFile,
    key: Annotated[Path, typer.Option(help="private key as PEM, or the secret of HS256 / 私钥或密钥文件")],
    account: Annotated[str, typer.Option(help="account, never a name / 账户")],
    role: Annotated[list[Role], typer.Option(help="may be repeated / 角色")],
    duty: Annotated[Duty | None, typer.Option(help="as what it acts on incidents / 岗位")] = None,
    unit: Annotated[str, typer.Option(help="unit it belongs to / 单位")] = "",
    district: Annotated[list[str] | None, typer.Option(help="code it is bound to; all when left out / 辖区")] = None,
    span: Annotated[str, typer.Option("--for", help="how long it holds: 30min, 12h / 有效期")] = "12h",
    kid: Annotated[str, typer.Option(help="name of the key in the JWKS / 密钥编号")] = "",
    lang: Lang = None,
) -> None:
    """Print a token; its claims have our names, whatever access.yaml calls those of the provider / 签发令牌."""
    words = _words(lang)
    found = _SPAN.fullmatch(span)
    if found is None:
        fail(words["span"].format(got=span))
    try:
        rules, private = load(access), private_of(key)
        separate(frozenset(role))
    except AccessError as error:
        fail(str(error))
    except TokenRefused as refused:
        fail(words["refused"].format(why=refused.why, detail=refused.detail))
    if private.algorithm not in rules.algorithms:
        fail(words["key"].format(got=private.algorithm, listed=", ".join(rules.algorithms)))
    seconds = int(found[1]) * _SECONDS[found[2]]
    token = signed(
        private, rules, time.time_ns() // 1_000_000, seconds, account=account, roles=[r.value for r in role],
        unit=unit, districts=district, duty=None if duty is None else duty.value, kid=kid or rules.kid,
    )  # fmt: skip
    print(token)  # noqa: T201 - for a pipe: no width, no style


@app.command()
def check(
    access: AccessFile,
    token: Annotated[str, typer.Argument(help="the token; from standard input when left out / 令牌")] = "",
    lang: Lang = None,
) -> None:
    """What the screen would take a token for; exit code 1 where it would not / 校验令牌."""
    words = _words(lang)
    given = token or sys.stdin.read().strip()
    if not given:
        fail(words["empty"])
    try:
        rules = load(access)
        caller = Verifier(rules, keys_of(rules), lambda: time.time_ns() // 1_000_000).caller(given)
    except AccessError as error:
        fail(str(error))
    except TokenRefused as refused:
        fail(words["refused"].format(why=refused.why, detail=refused.detail), 1)
    said = {**msgspec.to_builtins(caller), "roles": sorted(caller.roles), "rights": sorted(caller.rights)}
    console.print_json(msgspec.json.encode(said).decode())


def _words(lang: str | None) -> dict[str, str]:
    return _EN if load_settings(None, language=lang).language == "en" else _ZH
