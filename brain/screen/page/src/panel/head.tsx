/** The top of the panel: what it is, how grave, in which state, how sure. */

import type { VNode } from "preact";
import type { Incident } from "../api/detail";
import type { Row } from "../api/types";
import { inHand, levelOf } from "../map/shapes";
import { placeOf } from "../state/places";
import { Mark } from "../ui/mark";
import { say, t, tOf } from "../words";

interface Props {
  row: Row | undefined;
  incident: Incident | undefined;
  close: () => void;
  show: (() => void) | null;
}

export function Head({ row, incident, close, show }: Props): VNode {
  const about = incident ?? row;
  const seen: Row | undefined = row ?? (incident && ({ ...incident, rev: incident.revision } as Row));
  const level = seen ? levelOf(seen) : 0;
  return (
    <header class={`head level-${level}`}>
      {seen && <Mark domain={seen.domain} level={level} hollow={inHand(seen)} life={Boolean(seen.life)} />}
      <div>
        <h2>{say(about?.name, about?.scenario ?? "")}</h2>
        <p class="place">{seen ? placeOf(seen) || t("row.nowhere") : ""}</p>
        <p class="tags">
          {about?.drill && <b class="tag drill">{t("row.drill")}</b>}
          {about?.life && <b class="tag life">{t("row.life")}</b>}
          {about && <b class="tag">{tOf("state", about.state)}</b>}
          {about && <b class="tag">{t("level", { n: level })}</b>}
          {about?.confidence && <b class={`tag ${about.confidence}`}>{tOf("confidence", about.confidence)}</b>}
          {about?.warning && <b class={`tag colour ${about.warning}`}>{t("scale.warning", { value: tOf("warning", about.warning) })}</b>}
          {about?.grade && <b class="tag">{t("scale.grade", { value: tOf("grade", about.grade) })}</b>}
          {about?.response && <b class="tag">{t("scale.response", { value: about.response })}</b>}
          {about?.withheld && <b class="tag">{t("panel.withheld")}</b>}
        </p>
      </div>
      <div class="buttons">
        {show && (
          <button type="button" onClick={show}>
            {t("panel.show")}
          </button>
        )}
        <button type="button" aria-label={t("panel.close")} onClick={close}>
          ✕
        </button>
      </div>
    </header>
  );
}
