/** One incident: what, where, how sure, why, who, by when, and what to do. */

import "../style/panel.css";

import type { VNode } from "preact";
import { focus, selected } from "../state/app";
import { t, useLanguage } from "../words";
import { Actions } from "./actions";
import { Around } from "./around";
import { Clocks } from "./clocks";
import { Evidence } from "./evidence";
import { Facts } from "./facts";
import { Head } from "./head";
import { History } from "./history";
import { useDetail, useRow } from "./load";
import { ToDo } from "./todo";
import { Why } from "./why";

export function Panel({ id }: { id: string }): VNode {
  useLanguage();
  const row = useRow(id);
  const { detail, firing, similar, wrong, again } = useDetail(id, row?.rev);
  const incident = detail?.incident;
  const place = incident ?? row;
  return (
    <article class="panel" aria-busy={!detail && !wrong}>
      <Head
        row={row}
        incident={incident}
        close={() => selected.set(null)}
        show={place?.lon != null && place.lat != null ? () => focus.set({ lon: place.lon!, lat: place.lat!, at: Date.now() }) : null}
      />
      {wrong && (
        <p class="wrong" role="alert">
          {t("panel.wrong", { why: wrong })}{" "}
          <button type="button" onClick={again}>
            {t("panel.again")}
          </button>
        </p>
      )}
      {!detail && !wrong && <p class="waiting">{t("app.loading")}</p>}
      {incident && detail && (
        <>
          <Actions id={id} detail={detail} done={again} />
          <Clocks clocks={incident.clocks ?? []} />
          <ToDo detail={detail} />
          <Facts incident={incident} units={detail.units ?? {}} />
          <Evidence incident={incident} doubted={detail.doubted ?? {}} firing={firing} />
          <Why incident={incident} reasons={detail.reasons ?? []} />
          <Around siblings={detail.siblings ?? {}} similar={similar} />
          <History history={incident.history ?? []} />
          <footer class="fine">
            {incident.id} · {t("panel.revision", { n: incident.revision })} · {incident.scenario} v{incident.scenario_version} ·{" "}
            {t("panel.made", { set: incident.set?.slice(0, 15) ?? "", map: incident.map?.slice(0, 12) ?? "" })}
          </footer>
        </>
      )}
    </article>
  );
}
