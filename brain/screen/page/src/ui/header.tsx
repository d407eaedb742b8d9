/** The line at the top: what stands open, what time it is, whether it is live, and who looks. */

import type { ComponentChildren, VNode } from "preact";
import { LEVEL_COLOURS } from "../map/shapes";
import { late, lostSince, me, pulse, view } from "../state/app";
import { cityNow, clockDate, clockTime, second } from "../state/clock";
import { figures } from "../state/figures";
import { signOut } from "../state/session";
import { useValue } from "../state/value";
import { speak, t, tOf, useLanguage } from "../words";
import { creating } from "../panel/create";
import { replaying } from "../replay/replay";
import { helping } from "./help";

export function Header(): VNode {
  const language = useLanguage();
  const counts = useValue(figures);
  const over = useValue(view);
  const account = useValue(me);
  const back = useValue(replaying);
  return (
    <header class="top">
      <h1>
        {t("app.title")}
        <small>{t("app.desk")}</small>
      </h1>
      <dl class="figures">
        <Figure word={t("figure.open")} n={counts.open} strong />
        {[4, 3, 2, 1].map((level) => (
          <Figure key={level} word={t("level", { n: level })} n={counts.byLevel[level]!} colour={LEVEL_COLOURS[level]!} />
        ))}
        <Figure word={t("figure.life")} n={counts.life} kind="life" />
        <Figure word={t("figure.waiting")} n={counts.waiting} />
        <Figure word={t("figure.overdue")} n={counts.overdue} kind={counts.overdue ? "bad" : ""} />
      </dl>
      <nav aria-label={t("nav.title")}>
        <button type="button" aria-pressed={over === "map"} onClick={() => view.set("map")}>
          {t("nav.map")}
        </button>
        <button type="button" aria-pressed={over === "domains"} onClick={() => view.set("domains")}>
          {t("nav.domains")}
        </button>
        <button type="button" aria-pressed={back} onClick={() => replaying.set(!back)}>
          {t("nav.replay")}
        </button>
      </nav>
      {account?.rights.includes("act") && (
        <button type="button" onClick={() => creating.set({ lon: null, lat: null })}>
          {t("nav.create")}
        </button>
      )}
      <Clock />
      <div class="who">
        <span class="account" title={account?.roles.map((role) => tOf("role", role)).join(", ")}>
          {account?.id}
          <small>{account?.unit || account?.roles.map((role) => tOf("role", role)).join(" ")}</small>
        </span>
        <button type="button" lang={language === "zh" ? "en" : "zh-CN"} onClick={() => speak(language === "zh" ? "en" : "zh")}>
          {language === "zh" ? "EN" : "中文"}
        </button>
        <button type="button" aria-label={t("help.title")} onClick={() => helping.set(true)}>
          ?
        </button>
        <button type="button" onClick={() => void signOut()}>
          {t("signout")}
        </button>
      </div>
    </header>
  );
}

interface FigureProps {
  word: ComponentChildren;
  n: number;
  colour?: string;
  kind?: string;
  strong?: boolean;
}

function Figure({ word, n, colour, kind = "", strong = false }: FigureProps): VNode {
  return (
    <div class={`figure ${kind} ${strong ? "strong" : ""}`} style={colour ? { "--level": colour } : undefined}>
      <dt>{word}</dt>
      <dd>{n.toLocaleString("en-US")}</dd>
    </div>
  );
}

/** The city's time, and a light that says by word and form whether what is seen is live. */
export function Clock(): VNode {
  const language = useLanguage();
  useValue(second);
  const lost = useValue(lostSince) !== null;
  const behind = useValue(late);
  const beats = useValue(pulse) !== null;
  const state = lost ? "lost" : behind ? "late" : beats ? "live" : "waiting";
  const now = cityNow();
  return (
    <div class="clock">
      <span class={`light ${state}`}>{t(`live.${state}`)}</span>
      <time>
        {clockTime(now)}
        <small>{clockDate(now, language)}</small>
      </time>
    </div>
  );
}
