/** What the page is doing: who looks, at what, and whether what they see is live. */

import type { Domain, Me, Pulse } from "../api/types";
import { Board } from "./board";
import { Value } from "./value";

export const board = new Board();

export const me = new Value<Me | null>(null);

/** ``boot``: nothing known yet; ``signin``: nobody signed in; ``unread``: somebody who may not read
 * incidents; ``live``: the page proper. */
export const phase = new Value<"boot" | "signin" | "unread" | "live">("boot");

/** Since when (ms UTC) there is no stream; null while there is one. */
export const lostSince = new Value<number | null>(null);

/** The last pulse, and when the page got it by the browser's own monotonic clock. */
export const pulse = new Value<{ pulse: Pulse; got: number } | null>(null);

/** The chain from pulse to page is late: the page turns red. */
export const late = new Value(false);

/** The incident whose panel is open. */
export const selected = new Value<string | null>(null);

/** What the map looks at: ``at`` changes with every wish, also for the same place. */
export const focus = new Value<{ lon: number; lat: number; zoom?: number; at: number } | null>(null);

export interface Filter {
  domain: Domain | "";
  /** At least this level. */
  level: number;
  district: string;
  /** Only those that the caller's unit leads or has in hand. */
  mine: boolean;
  text: string;
}

export const NO_FILTER: Filter = { domain: "", level: 0, district: "", mine: false, text: "" };
export const filter = new Value<Filter>(NO_FILTER);

/** Views over the map: the six domains' figures, or none. */
export const view = new Value<"map" | "domains">("map");

/** While set, the board is a past one, of this time (ms UTC), and the stream waits. */
export const replayAt = new Value<number | null>(null);

const asked = new URLSearchParams(location.search);
export const mode: "desk" | "wall" = asked.get("mode") === "wall" ? "wall" : "desk";
