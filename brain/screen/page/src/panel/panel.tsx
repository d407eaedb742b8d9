/** One incident: what, where, how sure, why, who, by when, and what to do. */

import type { VNode } from "preact";
import { board } from "../state/app";
import { say, useLanguage } from "../words";

export function Panel({ id }: { id: string }): VNode {
  useLanguage();
  const row = board.rows.get(id);
  return <h2>{say(row?.name, id)}</h2>;
}
