/** What it means, what to do first, and what looks like it but is not. */

import type { VNode } from "preact";
import type { Detail } from "../api/detail";
import { language, say, t } from "../words";
import { Part } from "./part";

export function ToDo({ detail }: { detail: Detail }): VNode | null {
  const lang = language.get();
  const steps = detail.steps?.[lang] ?? [];
  const mistaken = detail.false_alarms?.[lang] ?? [];
  const meaning = say(detail.meaning);
  if (!steps.length && !mistaken.length && !meaning) return null;
  return (
    <Part title={t("todo.title")}>
      {meaning && <p>{meaning}</p>}
      {steps.length > 0 && (
        <ol class="steps">
          {steps.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
      )}
      {mistaken.length > 0 && (
        <>
          <h4>{t("todo.mistaken")}</h4>
          <ul class="bullets">
            {mistaken.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        </>
      )}
    </Part>
  );
}
