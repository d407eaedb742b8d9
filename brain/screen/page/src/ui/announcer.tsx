/** What a screen reader is told of a board that changes all the time: seldom, summed up; life-safety at once. */

import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Row } from "../api/types";
import { board, replayAt } from "../state/app";
import { placeOf } from "../state/places";
import { say, t } from "../words";

const POLITE_EVERY_MS = 15_000;
const URGENT_EVERY_MS = 3000;

export function Announcer(): VNode {
  const [polite, sayPolite] = useState("");
  const [urgent, sayUrgent] = useState("");
  useEffect(() => {
    const known = new Set(board.rows.keys());
    let fresh = 0;
    let lives: Row[] = [];
    let spokeAt = -URGENT_EVERY_MS;
    const urge = (): void => {
      if (!lives.length || performance.now() - spokeAt < URGENT_EVERY_MS) return;
      const [one] = lives;
      const more = lives.length - 1;
      const words = { name: say(one!.name), place: placeOf(one!), n: more };
      sayUrgent(t(more ? "announce.lives" : "announce.life", words));
      lives = [];
      spokeAt = performance.now();
    };
    const stop = board.watch((change) => {
      if (change.whole) {
        known.clear();
        for (const row of change.rows) known.add(row.id);
        return;
      }
      for (const id of change.gone) known.delete(id);
      for (const row of change.rows) {
        if (known.has(row.id)) continue;
        known.add(row.id);
        // While the past is played, what comes in is long over.
        if (replayAt.get() !== null) continue;
        if (row.life) lives.push(row);
        else fresh++;
      }
      urge();
    });
    // In a calm city no change follows that would tell those who came while the last was read out.
    const urging = setInterval(urge, URGENT_EVERY_MS);
    const timer = setInterval(() => {
      if (fresh) sayPolite(t("announce.fresh", { n: fresh, all: board.rows.size }));
      fresh = 0;
    }, POLITE_EVERY_MS);
    return () => {
      stop();
      clearInterval(timer);
      clearInterval(urging);
    };
  }, []);
  return (
    <div class="visually-hidden">
      <p aria-live="polite">{polite}</p>
      <p aria-live="assertive">{urgent}</p>
    </div>
  );
}
