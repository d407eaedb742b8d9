/** The parts of the page and where they are. */

import type { VNode } from "preact";
import { Domains } from "../domains/domains";
import { Panel } from "../panel/panel";
import { Replay } from "../replay/replay";
import { phase, selected, view } from "../state/app";
import { useValue } from "../state/value";
import { useLanguage } from "../words";

export function Shell(): VNode {
  useLanguage();
  const now = useValue(phase);
  const id = useValue(selected);
  const over = useValue(view);
  return (
    <main>
      {now}
      {id && <Panel id={id} />}
      {over === "domains" && <Domains />}
      <Replay />
    </main>
  );
}
