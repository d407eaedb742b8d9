/**
 * The open incidents as they are now, by id. Changes are gathered and handed on four times a second at most, so that a
 * storm costs the page one drawing and not a thousand.
 */

import type { Alarm, Board as Loaded, Row } from "../api/types";
import { measure } from "./measure";

const FLUSH_MS = 250;

const OVER = new Set(["closed", "false_alarm", "merged"]);

/** What became of rows since the last flush: the very objects that the board holds. */
export interface Change {
  /** New or changed. */
  rows: Row[];
  /** Ids that left. */
  gone: string[];
  /** The whole board was loaded anew; ``rows`` are all of it. */
  whole: boolean;
}

/** Whether a row belongs on the board: open and shown. */
const onBoard = (row: Row): boolean => !OVER.has(row.state) && !row.withheld;

export class Board {
  readonly rows = new Map<string, Row>();
  private readonly changed = new Map<string, Row | null>();
  private readonly watchers = new Set<(change: Change) => void>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private whole = false;
  private loaded = false;

  /** A board has come; until then there is nothing, which is not the same as nothing open. */
  get isLoaded(): boolean {
    return this.loaded;
  }

  /** Called after each flush; what comes back ends it. */
  watch(watcher: (change: Change) => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** A whole board takes the place of what is there; handed on at once. */
  load(loaded: Loaded): void {
    this.rows.clear();
    this.changed.clear();
    for (const row of loaded.rows) if (onBoard(row)) this.rows.set(row.id, row);
    for (const alarm of loaded.alarms ?? []) this.rows.set(alarm.id, rowOf(alarm));
    this.whole = true;
    this.loaded = true;
    this.flush();
  }

  /** One row from the stream. An older revision than what is there changes nothing. */
  take(row: Row): void {
    const known = this.rows.get(row.id);
    if (known && row.rev < known.rev) return;
    measure.receive(row.id, row.rev);
    for (const id of row.provisional ?? []) this.drop(id);
    if (onBoard(row)) this.put(row);
    else this.drop(row.id);
  }

  /** A provisional alarm stands on the board as a row of its own until its incident is there. */
  alarm(alarm: Alarm): void {
    this.put(rowOf(alarm));
  }

  private put(row: Row): void {
    this.rows.set(row.id, row);
    this.mark(row.id, row);
  }

  private drop(id: string): void {
    if (this.rows.delete(id)) this.mark(id, null);
  }

  private mark(id: string, row: Row | null): void {
    this.changed.set(id, row);
    this.timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const change: Change = { rows: [], gone: [], whole: this.whole };
    if (this.whole) change.rows = [...this.rows.values()];
    else for (const [id, row] of this.changed) row ? change.rows.push(row) : change.gone.push(id);
    this.changed.clear();
    this.whole = false;
    for (const watcher of this.watchers) watcher(change);
    measure.hand();
  }
}

/** An alarm as a row: unconfirmed, and of a never-hidden class by what it is. Its domain is how its scenario's id begins. */
function rowOf(alarm: Alarm): Row {
  const domain = alarm.scenario.split(".")[0] as Row["domain"];
  return {
    id: alarm.id,
    rev: 0,
    state: "detected",
    domain,
    scenario: alarm.scenario,
    name: alarm.name,
    level: alarm.level ?? 0,
    life: true,
    onset: alarm.t,
    opened: alarm.t,
    updated: alarm.t,
    shown: alarm.t,
    lon: alarm.lon ?? null,
    lat: alarm.lat ?? null,
    grid: alarm.grid ?? "",
    confidence: "unconfirmed",
    trust: alarm.trust ?? 1,
  };
}
