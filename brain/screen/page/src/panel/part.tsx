/** A part of the panel under its heading, which can be folded. */

import type { ComponentChildren, VNode } from "preact";

export function Part({ title, children, open = true }: { title: string; children: ComponentChildren; open?: boolean }): VNode {
  return (
    <details class="part" open={open}>
      <summary>
        <h3>{title}</h3>
      </summary>
      {children}
    </details>
  );
}
