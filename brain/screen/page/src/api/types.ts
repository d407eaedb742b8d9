/** What the API says, as far as the page reads it. Times are milliseconds UTC, positions degrees WGS 84. */

export interface Text {
  zh: string;
  en: string;
}

export const DOMAINS = ["emergency", "market", "eco", "social", "public", "economy"] as const;
export type Domain = (typeof DOMAINS)[number];

export type State =
  | "detected"
  | "confirmed"
  | "dispatched"
  | "handling"
  | "resolved"
  | "closed"
  | "false_alarm"
  | "merged";

/** One incident as short as 10,000 of them must be; what is empty is left out. */
export interface Row {
  id: string;
  rev: number;
  state: State;
  domain: Domain;
  scenario: string;
  name: Text;
  /** 0 where the scenario has no ladder, then 1 to 4. */
  level?: number;
  /** Never-hidden class 生命安全. */
  life?: boolean;
  onset: number;
  opened: number;
  updated: number;
  shown?: number | null;
  lon?: number | null;
  lat?: number | null;
  accuracy_m?: number | null;
  grid?: string;
  town?: string;
  district?: string;
  confidence?: "unconfirmed" | "corroborated" | "confirmed";
  trust?: number;
  count?: number;
  raises?: number;
  lead?: string;
  lead_name?: Text;
  taken_by?: string;
  warning?: string;
  grade?: string;
  response?: string;
  drill?: boolean;
  cleared?: number | null;
  withheld?: string;
  cause?: string;
  links?: string[];
  merged_into?: string;
  /** When the earliest running clock is due. */
  due?: number | null;
  /** That clock is missed, or will be. */
  breach?: boolean;
  sources?: string[];
  chattering?: boolean;
  /** Ids of provisional alarms whose outcome this is. */
  provisional?: string[];
}

/** A provisional record of a never-hidden class, before its incident is there. */
export interface Alarm {
  id: string;
  scenario: string;
  name: Text;
  level?: number;
  lon?: number | null;
  lat?: number | null;
  t: number;
  grid?: string;
  /** Trust in its sensor, 0 to 1, as far as its lane knew. */
  trust?: number;
  doubts?: string[];
}

export interface Pulse {
  t: number;
  set: string;
  late: boolean;
}

export interface Board {
  event: string;
  t: number;
  rows: Row[];
  /** Provisional ones without an incident yet. */
  alarms?: Alarm[];
}

export interface Me {
  id: string;
  roles: string[];
  unit: string;
  duty: string | null;
  districts: string[];
  rights: string[];
  csrf: string;
  expires: number;
}

export interface Status {
  /** From when on the board can be shown as it was. */
  kept_since: number;
}

export interface Summary {
  /** Grids without a live sensor. */
  blind: { grid: string }[];
}

/** A demo account that may be taken by whoever opens the page. */
export interface DemoAccount {
  id: string;
  role: string;
  title: Text;
  duty?: string | null;
}
