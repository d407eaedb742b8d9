/** The parts of the page and where they are. */

import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { Domains } from "../domains/domains";
import { Filters, SEARCH_ID } from "../list/filters";
import { List } from "../list/list";
import { MapView } from "../map/view";
import { Create } from "../panel/create";
import { Panel } from "../panel/panel";
import { Replay } from "../replay/replay";
import { late, lostSince, mode, phase, selected, view } from "../state/app";
import { signOut } from "../state/session";
import { useValue } from "../state/value";
import { Wall } from "../wall/wall";
import { t, useLanguage } from "../words";
import { Announcer } from "./announcer";
import { Banner } from "./banner";
import { Header } from "./header";
import { Help, helping } from "./help";
import { SignIn } from "./signin";

export function Shell(): VNode {
  const language = useLanguage();
  const now = useValue(phase);
  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    document.title = t("app.title");
  }, [language]);
  if (now === "boot") return <p class="boot">{t("app.loading")}</p>;
  if (now === "signin") return <SignIn />;
  if (now === "unread") return <Unread />;
  return mode === "wall" ? <Wall /> : <Desk />;
}

/** An account for other work, as that of the security administrator. */
function Unread(): VNode {
  useLanguage();
  return (
    <main class="signin">
      <div class="card">
        <h1>{t("app.title")}</h1>
        <p class="lead">{t("signin.unread")}</p>
        <button type="button" onClick={() => void signOut()}>
          {t("signout")}
        </button>
      </div>
    </main>
  );
}

function Desk(): VNode {
  useLanguage();
  const id = useValue(selected);
  const over = useValue(view);
  const stale = useValue(lostSince) !== null;
  const behind = useValue(late);
  useEffect(() => {
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
  return (
    <div class={`desk ${stale || behind ? "stale" : ""}`}>
      <a class="skip" href="#incidents">
        {t("nav.skip")}
      </a>
      <Header />
      <Banner />
      <aside id="incidents" class="left" aria-label={t("list.title")}>
        <Filters />
        <List />
      </aside>
      <main aria-label={t("map.title")}>
        <MapView />
        {over === "domains" && <Domains />}
        <Replay />
      </main>
      {id && (
        <aside class="right" aria-label={t("panel.title")}>
          <Panel key={id} id={id} />
        </aside>
      )}
      <Create />
      <Announcer />
      <Help />
    </div>
  );
}

/** Keys that hold everywhere but where a person writes. */
function press(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target as HTMLElement;
  const writing = target.matches("input, textarea, select, [contenteditable]");
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
    if (writing) target.blur();
    else if (selected.get()) selected.set(null);
    else view.set("map");
    return;
  }
  if (writing) return;
  const list = document.querySelector<HTMLElement>("[role=listbox]");
  if (event.key === "/") document.getElementById(SEARCH_ID)?.focus();
  else if (event.key === "?") helping.set(!helping.get());
  else if (event.key === "n") document.querySelector<HTMLElement>(".pill")?.click();
  else if ((event.key === "j" || event.key === "k") && document.activeElement !== list) list?.focus();
  else return;
  event.preventDefault();
}
