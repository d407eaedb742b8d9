/** The keys, in a dialog. */

import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Value, useValue } from "../state/value";
import { t, useLanguage, type Word } from "../words";

export const helping = new Value(false);

const KEYS: readonly (readonly [string, Word])[] = [
  ["↓ ↑  j k", "help.move"],
  ["Enter", "help.open"],
  ["Esc", "help.close"],
  ["/", "help.search"],
  ["n", "help.fresh"],
  ["Home End PgUp PgDn", "help.jump"],
  ["?", "help.this"],
];

export function Help(): VNode {
  useLanguage();
  const open = useValue(helping);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current!.showModal();
    else dialog.current!.close();
  }, [open]);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => helping.set(false)}>
      <h2 id="help-title">{t("help.title")}</h2>
      <dl>
        {KEYS.map(([keys, word]) => (
          <div key={word}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{t(word)}</dd>
          </div>
        ))}
      </dl>
      <p>
        <a href="?mode=wall">{t("help.wall")}</a>
      </p>
      <button type="button" onClick={() => helping.set(false)}>
        {t("help.done")}
      </button>
    </dialog>
  );
}
