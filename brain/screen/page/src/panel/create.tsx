/** An incident by hand 手工建单, from a call for example; what is already known near the place is shown first. */

import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, getIfThere, post } from "../api/client";
import type { Answer, Near } from "../api/detail";
import type { Text } from "../api/types";
import { me, selected } from "../state/app";
import { Value, useValue } from "../state/value";
import { say, t, tOf, useLanguage } from "../words";
import { Lines } from "./around";
import { nearby } from "./load";

/** The place that somebody chose to make one at; null while nobody makes one. */
export const creating = new Value<{ lon: number | null; lat: number | null } | null>(null);

const TYPING_MS = 300;

interface Code {
  code: string;
  name: Text;
  domain: string;
  life: boolean;
}

export function Create(): VNode | null {
  useLanguage();
  const place = useValue(creating);
  const account = useValue(me);
  if (!place || !account?.rights.includes("act")) return null;
  return <Dialog lon={place.lon} lat={place.lat} />;
}

function Dialog({ lon, lat }: { lon: number | null; lat: number | null }): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const [codes, setCodes] = useState<Code[]>([]);
  const [near, setNear] = useState<Near[] | null>(null);
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const [at, setAt] = useState({ lon: lon === null ? "" : lon.toFixed(6), lat: lat === null ? "" : lat.toFixed(6) });
  useEffect(() => {
    dialog.current!.showModal();
    void getIfThere<{ items: Code[] }>("/codes").then(
      (answer) => setCodes(answer?.items ?? []),
      () => setCodes([]),
    );
  }, []);
  useEffect(() => {
    const [x, y] = [Number(at.lon), Number(at.lat)];
    if (!at.lon || !at.lat || !Number.isFinite(x) || !Number.isFinite(y)) return setNear(null);
    let gone = false;
    const see = (rows: Near[] | null): void => void (gone || setNear(rows));
    const timer = setTimeout(() => void nearby(x, y).then(see, () => see(null)), TYPING_MS);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [at.lon, at.lat]);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const given = new FormData(form.current!);
    const text = (name: string): string => String(given.get(name) ?? "").trim();
    setBusy(true);
    setWrong("");
    try {
      const made = await post<Answer>("/incidents", {
        code: text("code"),
        text: text("text"),
        ...(text("address") ? { address: text("address") } : {}),
        ...(at.lon && at.lat ? { lon: Number(at.lon), lat: Number(at.lat) } : {}),
        level: Number(text("level")),
        ...(given.get("life") ? { life: true } : {}),
      });
      creating.set(null);
      if (made.incident) selected.set(made.incident);
    } catch (error) {
      setWrong(error instanceof ApiError ? error.message : t("answer.unreachable"));
    } finally {
      setBusy(false);
    }
  };

  return (
    <dialog ref={dialog} class="create" aria-labelledby="create-title" onClose={() => creating.set(null)}>
      <h2 id="create-title">{t("create.title")}</h2>
      <form ref={form} onSubmit={(event) => void submit(event)}>
        <label>
          <span>{t("create.code")}</span>
          {codes.length > 0 ? (
            <select name="code" required>
              {codes.map((c) => (
                <option key={c.code} value={c.code}>
                  {`${tOf("domain", c.domain)} · ${say(c.name, c.code)}`}
                </option>
              ))}
            </select>
          ) : (
            <input name="code" required maxLength={100} placeholder="emergency.fire" />
          )}
        </label>
        <label>
          <span>{t("create.text")}</span>
          <textarea name="text" rows={3} maxLength={2000} required />
        </label>
        <label>
          <span>{t("create.address")}</span>
          <input name="address" maxLength={200} />
        </label>
        <div class="row">
          <label>
            <span>{t("create.lon")}</span>
            <input inputMode="decimal" value={at.lon} onInput={(e) => setAt({ ...at, lon: e.currentTarget.value })} />
          </label>
          <label>
            <span>{t("create.lat")}</span>
            <input inputMode="decimal" value={at.lat} onInput={(e) => setAt({ ...at, lat: e.currentTarget.value })} />
          </label>
          <label>
            <span>{t("create.level")}</span>
            <select name="level">
              {[0, 1, 2, 3, 4].map((n) => (
                <option key={n} value={n}>
                  {n}
                </option>
              ))}
            </select>
          </label>
        </div>
        <label class="check">
          <input name="life" type="checkbox" /> <span>{t("create.life")}</span>
        </label>
        {near && (
          <section class="near" aria-live="polite">
            <h3>{near.length ? t("create.near", { n: near.length }) : t("create.nothing")}</h3>
            {near.length > 0 && <Lines rows={near.slice(0, 6)} beside={(row) => `${Math.round((row as Near).distance_m ?? 0)} m`} />}
          </section>
        )}
        {wrong && (
          <p class="wrong" role="alert">
            {wrong}
          </p>
        )}
        <div class="row">
          <button type="submit" class="main" disabled={busy}>
            {t("create.make")}
          </button>
          <button type="button" onClick={() => dialog.current!.close()}>
            {t("actions.cancel")}
          </button>
        </div>
      </form>
    </dialog>
  );
}
