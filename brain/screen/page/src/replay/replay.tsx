/** The bar under the map by which the board is taken back through the last hours. */

import type { VNode } from "preact";
import { useLanguage } from "../words";

export function Replay(): VNode | null {
  useLanguage();
  return null;
}
