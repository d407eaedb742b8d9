/** One incident whole, as the API has it: what the panel reads. Times are milliseconds UTC. */

import type { Row, State, Text } from "./types";

export interface Member {
  id: string;
  asset: string;
  onset: number;
  level?: number;
  metric?: string;
  value?: number | null;
  threshold?: number | null;
  score?: number | null;
  source?: string;
  cleared?: number | null;
  text?: string;
  scenario?: string;
  version?: number;
  raises?: number;
  trust?: number;
  doubts?: string[];
  standard?: string;
  facts?: Record<string, number | string>;
  via?: string;
}

export interface Clock {
  name: string;
  started: number;
  due: number;
  stopped?: number | null;
  held?: number | null;
  predicted?: number | null;
  breached?: number | null;
  rule?: string;
}

export interface Act {
  t: number;
  what: string;
  by?: string;
  unit?: string;
  role?: string;
  note?: string;
  to?: string;
  count?: number;
}

export interface Incident {
  id: string;
  revision: number;
  state: State;
  domain: Row["domain"];
  scenario: string;
  scenario_version: number;
  event_code: string;
  name: Text;
  level: number;
  peak_level: number;
  life: boolean;
  onset: number;
  opened: number;
  raised: number;
  updated: number;
  cleared?: number | null;
  confidence: NonNullable<Row["confidence"]>;
  doubts?: string[];
  trust?: number;
  warning?: string;
  grade?: string;
  response?: string;
  grid?: string;
  town?: string;
  district?: string;
  areas?: Record<string, string[]>;
  lon?: number | null;
  lat?: number | null;
  accuracy_m?: number | null;
  map?: string;
  set?: string;
  lead?: string;
  lead_name?: Text;
  assisting?: string[];
  route?: string;
  taken_by?: string;
  count?: number;
  raises?: number;
  members?: Member[];
  clocks?: Clock[];
  history?: Act[];
  withheld?: string;
  rule?: string;
  drill?: boolean;
  chattering?: boolean;
}

export interface Reason {
  t: number;
  reason: string;
  text?: Text;
  signal?: string;
}

/** The city's doubt in an asset: trust in [0, 1], what speaks against it, since when (null: not kept). */
export interface Doubt {
  trust: number;
  doubts: { reason: string; text: Text }[];
  since: number | null;
  t: number;
}

export interface Detail {
  incident: Incident;
  reasons?: Reason[];
  siblings?: { merged_from?: Row[]; effects?: Row[]; cause?: Row | null; links?: Row[] };
  steps?: { zh: string[]; en: string[] };
  meaning?: Text;
  false_alarms?: { zh: string[]; en: string[] };
  /** Names of its departments by id. */
  units?: Record<string, Text>;
  /** By asset of its members, those that the city doubts now. */
  doubted?: Record<string, Doubt>;
  /** What this caller may do in this state. */
  actions?: string[];
}

export interface Firing {
  bins: { t: number; raises: number }[];
  members: {
    id: string;
    asset: string;
    metric?: string;
    points: [number, number][];
    threshold?: number | null;
    level?: number;
  }[];
}

export interface Near extends Row {
  distance_m?: number;
}

export interface Answer {
  id: string;
  result: "done" | "proposed" | "sent";
  revision?: number;
  incident?: string;
}
