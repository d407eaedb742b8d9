/** Reasons to doubt a sensor or an incident, in words; what stands after a colon, as a source, is left out. */

import type { VNode } from "preact";
import { tOf } from "../words";

export function Doubts({ names }: { names: string[] }): VNode {
  return (
    <>
      {names.map((name) => (
        <span key={name} class="doubt">
          {tOf("doubt", name.split(":")[0]!, name)}
        </span>
      ))}
    </>
  );
}
