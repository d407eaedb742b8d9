/** The six domains side by side: key figures and their last hours. */

import type { VNode } from "preact";
import { useLanguage } from "../words";

export function Domains(): VNode | null {
  useLanguage();
  return null;
}
