/** One way to the API: errors are problems (RFC 9457), and what changes something carries the session's token. */

export const API = "/api/v1";

/** Members of a problem that any route may send; more are kept as they came. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  [member: string]: unknown;
}

/** An answer that is not a success. ``kind`` is the last part of the problem's type, as ``stale-revision``. */
export class ApiError extends Error {
  readonly kind: string;
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.detail ?? problem.title);
    this.name = "ApiError";
    this.kind = (problem.type ?? "").split(/[/#]/).pop() ?? "";
  }
}

let csrf = "";
let refused: () => void = () => {};

/** The token that requests which change something must carry; it comes with /me. */
export function useCsrf(token: string): void {
  csrf = token;
}

/** What to do when any answer says that nobody is signed in. */
export function onRefused(act: () => void): void {
  refused = act;
}

async function answer<T>(response: Response): Promise<T> {
  if (response.ok) {
    return (response.status === 204 ? undefined : await response.json()) as T;
  }
  if (response.status === 401) refused();
  let problem: Problem = { type: "about:blank", title: response.statusText, status: response.status };
  if (response.headers.get("content-type")?.includes("json")) {
    problem = { ...problem, ...((await response.json()) as Partial<Problem>) };
  }
  throw new ApiError(response.status, problem);
}

/** GET. Raises ApiError, or TypeError where the server cannot be reached. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return answer<T>(await fetch(API + path, signal ? { signal } : {}));
}

/** POST or DELETE of JSON. Raises as :func:`get`. */
export async function send<T>(method: "POST" | "DELETE", path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = csrf ? { "X-CSRF-Token": csrf } : {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return answer<T>(
    await fetch(API + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }),
  );
}

export const post = <T>(path: string, body?: unknown): Promise<T> => send<T>("POST", path, body);

/** GET of something that a server may not have (yet): null for 403 and 404. */
export async function getIfThere<T>(path: string): Promise<T | null> {
  try {
    return await get<T>(path);
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 403)) return null;
    throw error;
  }
}
