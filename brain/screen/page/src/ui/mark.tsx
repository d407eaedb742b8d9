/** The mark of an incident outside of the map: the same shape, colour and digit. */

import type { VNode } from "preact";
import type { Domain } from "../api/types";
import { DIGIT_DOWN, LEVEL_COLOURS, LEVEL_INK, SHAPES } from "../map/shapes";

interface Props {
  domain: Domain;
  /** Undefined: the shape alone, in the colour of the text. */
  level?: number;
  hollow?: boolean;
  life?: boolean;
}

export function Mark({ domain, level, hollow = false, life = false }: Props): VNode {
  const colour = level === undefined ? "currentColor" : LEVEL_COLOURS[level]!;
  const corners = SHAPES[domain] ?? null;
  const r = 8.5;
  const paint = hollow
    ? { fill: "none", stroke: colour, "stroke-width": 1.6 }
    : { fill: colour, stroke: "none", "stroke-width": 0 };
  return (
    <svg class="mark" viewBox="-15 -15 30 30" aria-hidden="true">
      {life && <circle r="13.4" fill="none" stroke="#fff" stroke-width="1.8" />}
      {corners ? (
        <polygon points={corners.map(([x, y]) => `${x * r},${y * r}`).join(" ")} stroke-linejoin="round" {...paint} />
      ) : (
        <circle r={r * 0.94} {...paint} />
      )}
      {Boolean(level) && (
        <text y={(DIGIT_DOWN[domain] ?? 0) * r + 3.5} text-anchor="middle" fill={hollow ? colour : LEVEL_INK}>
          {level}
        </text>
      )}
    </svg>
  );
}
