/** Limits that run: what is due, when, and what was missed. */

import type { VNode } from "preact";
import type { Clock } from "../api/detail";
import { cityNow, clockShort, second } from "../state/clock";
import { useValue } from "../state/value";
import { t, tOf } from "../words";
import { limit } from "../words/span";

export function Clocks({ clocks }: { clocks: Clock[] }): VNode | null {
  useValue(second);
  const now = cityNow();
  if (!clocks.length) return null;
  return (
    <ul class="clocks" aria-label={t("clocks.title")}>
      {clocks.map((clock) => {
        const [kind, word] = state(clock, now);
        return (
          <li key={`${clock.name}${clock.started}`} class={kind}>
            <span>{tOf("clock", clock.name)}</span>
            <b>{word}</b>
            <small>{t("clocks.by", { time: clockShort(clock.due) })}</small>
          </li>
        );
      })}
    </ul>
  );
}

function state(clock: Clock, now: number): [string, string] {
  if (clock.stopped != null) return clock.breached != null ? ["missed", t("clocks.missed")] : ["kept", t("clocks.kept")];
  if (clock.held != null) return ["held", t("clocks.held")];
  const [kind, word] = limit(clock.due - now);
  return [kind === "due" && clock.predicted != null ? "soon" : kind, word];
}
