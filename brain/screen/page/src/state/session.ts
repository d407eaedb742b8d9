/** Signing in and out. In demo mode accounts are there to be taken; elsewhere a token comes from the city's own login. */

import { getIfThere, post, send } from "../api/client";
import type { DemoAccount } from "../api/types";
import { begin, end } from "./live";
import { me, phase } from "./app";

/** Accounts of demo mode; null where the server is not in it. */
export async function demoAccounts(): Promise<DemoAccount[] | null> {
  return (await getIfThere<{ items: DemoAccount[] }>("/session/demo"))?.items ?? null;
}

export async function takeAccount(account: string): Promise<void> {
  await post("/session/demo", { account });
  await begin();
}

export async function takeToken(token: string): Promise<void> {
  await post("/session", { token });
  await begin();
}

export async function signOut(): Promise<void> {
  await send("DELETE", "/session");
  end();
  me.set(null);
  phase.set("signin");
}
