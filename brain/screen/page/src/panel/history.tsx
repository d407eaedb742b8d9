/** What people did, newest first. */

import type { VNode } from "preact";
import type { Act } from "../api/detail";
import { clockTime } from "../state/clock";
import { t, tOf } from "../words";
import { Part } from "./part";

export function History({ history }: { history: Act[] }): VNode | null {
  if (!history.length) return null;
  return (
    <Part title={t("history.title")}>
      <ol class="history">
        {[...history].reverse().map((act, k) => (
          <li key={`${act.t}${k}`}>
            <time>{clockTime(act.t)}</time>
            <b>{tOf("act", act.what)}</b> <span>{[act.by, act.unit].filter(Boolean).join(" · ")}</span>
            {act.to && <span>→ {act.to}</span>}
            {(act.count ?? 1) > 1 && <small>×{act.count}</small>}
            {act.note && <p>{act.note}</p>}
          </li>
        ))}
      </ol>
    </Part>
  );
}
