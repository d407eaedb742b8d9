/** What may be done to the incident, one form for all: fields by action, the answer in words, and who was first. */

import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, post } from "../api/client";
import type { Answer, Detail } from "../api/detail";
import { board } from "../state/app";
import { cityNow } from "../state/clock";
import { say, t, tOf, useLanguage, type Word } from "../words";

type Kind = "text" | "list" | "span" | "grade" | "response" | "members" | "incident" | "minutes";
interface Field {
  name: string;
  kind: Kind;
  word: Word;
}

/** Fields beside the note, by action; those that are not here have none. */
const FIELDS: Record<string, readonly Field[]> = {
  assign: [{ name: "lead", kind: "text", word: "field.lead" }, { name: "assisting", kind: "list", word: "field.assisting" }],
  dispatch: [{ name: "units", kind: "list", word: "field.units" }],
  handover: [{ name: "from", kind: "text", word: "field.from" }, { name: "to", kind: "text", word: "field.to" }],
  merge: [{ name: "into", kind: "incident", word: "field.into" }],
  link: [{ name: "other", kind: "incident", word: "field.other" }],
  split: [{ name: "members", kind: "members", word: "field.members" }],
  shelve: [{ name: "until", kind: "span", word: "field.until" }],
  wait: [{ name: "until", kind: "span", word: "field.until" }],
  supervise: [{ name: "until", kind: "span", word: "field.until" }],
  acknowledge: [{ name: "until", kind: "span", word: "field.until" }],
  extend: [{ name: "minutes", kind: "minutes", word: "field.minutes" }],
  grade: [{ name: "grade", kind: "grade", word: "field.grade" }],
  respond: [{ name: "response", kind: "response", word: "field.response" }],
};
/** Actions that need a reason. */
const NOTED = new Set(["false_alarm", "resolve", "reopen", "shelve", "extend", "return", "dispute", "wait", "note"]);
/** What a person at a console does most, in this order; the rest is one click further. */
const FIRST = ["take", "confirm", "dispatch", "arrive", "resolve", "close", "false_alarm", "acknowledge"];
const SPANS = [15, 30, 60, 120, 240, 480, 1440] as const;
const GRADES = ["general", "larger", "major", "extreme"] as const;
const RESPONSES = ["IV", "III", "II", "I"] as const;

interface Props {
  id: string;
  detail: Detail;
  done: () => void;
}

export function Actions({ id, detail, done }: Props): VNode | null {
  useLanguage();
  const [chosen, choose] = useState<string | null>(null);
  const [said, tell] = useState<{ kind: "good" | "bad"; text: string } | null>(null);
  const [busy, setBusy] = useState(false);
  const may = detail.actions ?? [];
  if (!may.length) return null;
  const first = FIRST.filter((a) => may.includes(a));
  const rest = may.filter((a) => !first.includes(a));

  const send = async (what: string, more: Record<string, unknown>): Promise<void> => {
    setBusy(true);
    tell(null);
    try {
      const answer = await post<Answer>(`/incidents/${encodeURIComponent(id)}/actions`, {
        do: what,
        expect: detail.incident.revision,
        ...more,
      });
      tell({ kind: "good", text: t(`answer.${answer.result}` as Word, { what: tOf("act", what) }) });
      choose(null);
      done();
    } catch (error) {
      tell({ kind: "bad", text: refusal(error) });
      if (error instanceof ApiError && error.status === 409) done();
    } finally {
      setBusy(false);
    }
  };

  const begin = (what: string): void => {
    tell(null);
    if (FIELDS[what] || NOTED.has(what)) choose(what === chosen ? null : what);
    else void send(what, {});
  };

  return (
    <section class="actions" aria-label={t("actions.title")}>
      <div class="row">
        {first.map((a) => (
          <button key={a} type="button" class={a === "take" ? "main" : ""} aria-pressed={chosen === a} disabled={busy} onClick={() => begin(a)}>
            {tOf("act", a)}
          </button>
        ))}
        {rest.length > 0 && (
          <select
            aria-label={t("actions.more")}
            value={chosen && rest.includes(chosen) ? chosen : ""}
            disabled={busy}
            onChange={(event) => begin(event.currentTarget.value)}
          >
            <option value="" disabled>
              {t("actions.more")}
            </option>
            {rest.map((a) => (
              <option key={a} value={a}>
                {tOf("act", a)}
              </option>
            ))}
          </select>
        )}
      </div>
      {chosen && <Form key={chosen} what={chosen} detail={detail} busy={busy} send={send} cancel={() => choose(null)} />}
      <p role="status" class={said ? `said ${said.kind}` : "said"}>
        {said?.text}
      </p>
    </section>
  );
}

/** Why it was not done, and who was first where somebody was. */
function refusal(error: unknown): string {
  if (!(error instanceof ApiError)) return t("answer.unreachable");
  const { by, unit, revision } = error.problem as { by?: string; unit?: string; revision?: number };
  if (error.kind === "stale-revision" && by) {
    return t("answer.stale", { by: [by, unit].filter(Boolean).join(" · "), n: revision ?? "" });
  }
  return error.message;
}

interface FormProps {
  what: string;
  detail: Detail;
  busy: boolean;
  send: (what: string, more: Record<string, unknown>) => Promise<void>;
  cancel: () => void;
}

function Form({ what, detail, busy, send, cancel }: FormProps): VNode {
  const fields = FIELDS[what] ?? [];
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>("input, select, textarea")?.focus();
  }, []);
  const submit = (event: Event): void => {
    event.preventDefault();
    const given = new FormData(form.current!);
    const more: Record<string, unknown> = {};
    for (const field of fields) {
      const value = read(field, given);
      if (value !== undefined) more[field.name] = value;
    }
    const note = String(given.get("note") ?? "").trim();
    if (note) more.note = note;
    void send(what, more);
  };
  return (
    <form ref={form} onSubmit={submit}>
      {fields.map((field) => (
        <label key={field.name}>
          <span>{t(field.word)}</span>
          <Input field={field} detail={detail} />
        </label>
      ))}
      <label>
        <span>{t(NOTED.has(what) ? "field.why" : "field.note")}</span>
        <textarea name="note" rows={2} maxLength={500} required={NOTED.has(what)} />
      </label>
      <div class="row">
        <button type="submit" class="main" disabled={busy}>
          {tOf("act", what)}
        </button>
        <button type="button" onClick={cancel}>
          {t("actions.cancel")}
        </button>
      </div>
    </form>
  );
}

function Input({ field, detail }: { field: Field; detail: Detail }): VNode {
  switch (field.kind) {
    case "span":
      return (
        <select name={field.name}>
          {SPANS.map((m) => (
            <option key={m} value={m}>
              {m < 60 ? t("span.minutes", { n: m }) : t("span.hours", { n: m / 60 })}
            </option>
          ))}
        </select>
      );
    case "minutes":
      return <input name={field.name} type="number" min={1} max={100_000} required />;
    case "grade":
      return (
        <select name={field.name}>
          {GRADES.map((g) => (
            <option key={g} value={g}>
              {tOf("grade", g)}
            </option>
          ))}
        </select>
      );
    case "response":
      return (
        <select name={field.name}>
          {RESPONSES.map((r) => (
            <option key={r}>{r}</option>
          ))}
          <option value="">{t("field.none")}</option>
        </select>
      );
    case "members":
      return (
        <select name={field.name} multiple required size={Math.min(8, detail.incident.members?.length ?? 1)}>
          {(detail.incident.members ?? []).map((m) => (
            <option key={m.id} value={m.id}>
              {m.asset}
            </option>
          ))}
        </select>
      );
    case "incident":
      return (
        <>
          <input name={field.name} list="known-incidents" required pattern="[\w.:@/\-]{1,64}" />
          <datalist id="known-incidents">
            {[...board.rows.values()]
              .filter((r) => r.district === detail.incident.district && r.id !== detail.incident.id)
              .slice(0, 50)
              .map((r) => (
                <option key={r.id} value={r.id}>
                  {say(r.name, r.scenario)}
                </option>
              ))}
          </datalist>
        </>
      );
    default:
      return <input name={field.name} required={field.name !== "assisting"} maxLength={200} />;
  }
}

function read(field: Field, given: FormData): unknown {
  const text = String(given.get(field.name) ?? "").trim();
  switch (field.kind) {
    case "list": {
      const parts = text.split(/[,，、;；]\s*/).filter(Boolean);
      return parts.length ? parts : undefined;
    }
    case "span":
      return Math.round(cityNow()) + Number(text) * 60_000;
    case "minutes":
      return Number(text);
    case "members":
      return given.getAll(field.name).map(String);
    case "response":
      return text;
    default:
      return text || undefined;
  }
}
