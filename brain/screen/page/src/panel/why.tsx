/** Why it is one incident and why it is shown: the recorded reasons, newest first, and what speaks against it. */

import type { VNode } from "preact";
import type { Incident, Reason } from "../api/detail";
import { clockTime } from "../state/clock";
import { say, t } from "../words";
import { Doubts } from "./doubts";
import { Part } from "./part";

export function Why({ incident, reasons }: { incident: Incident; reasons: Reason[] }): VNode | null {
  const doubts = incident.doubts ?? [];
  if (!reasons.length && !doubts.length) return null;
  return (
    <Part title={t("why.title")}>
      {doubts.length > 0 && (
        <p class="doubts">
          {t("why.against")}{" "}
          <Doubts names={doubts} />
        </p>
      )}
      <ol class="reasons">
        {[...reasons].reverse().map((r, k) => (
          <li key={`${r.t}${k}`}>
            <time>{clockTime(r.t)}</time>
            <span>{say(r.text, r.reason)}</span>
          </li>
        ))}
      </ol>
    </Part>
  );
}
