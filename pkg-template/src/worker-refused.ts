import { XmtpError } from "./errors.js";
import { isOpaque } from "./origin.js";
import type { ClientOptions } from "./types.js";

/**
 * A page of an opaque origin, as a frame in a sandbox is, has no script that is of its own origin, but may make one. Chromium refuses it
 * module workers from a Blob URL, and takes others that import a module.
 */
const HOW_TO =
  "with storage: \"memory\" pass a function as workerUrl that starts a worker from a Blob URL whose text is import(\"<address of worker.js>\"), " +
  "and serve the package's files with Access-Control-Allow-Origin";

/** Why a worker cannot be started. `refused`: not for its address, but because this page may have none, or no storage. @internal */
export function noWorker(workerUrl: string | URL | undefined, cause: unknown): XmtpError {
  const isRefused = cause instanceof DOMException && cause.name === "SecurityError" && !isOfAnotherOrigin(workerUrl);
  if (!isRefused) return new XmtpError("client.no_worker", `the worker cannot be started: ${String(cause)}`, { cause });
  return refused(String(cause), cause);
}

/**
 * Why a worker that was started never listened; `file` is its own. Most browsers refuse a page of an opaque origin its worker in this way.
 * @internal
 */
export function notLoaded(why: string, file: string): XmtpError {
  if (isOpaque()) return refused(why);
  const advice = `see that the app ships ${file} and all that it imports, of one version of this package`;
  return new XmtpError("client.no_worker", `the worker cannot be started: ${why}; ${advice}`);
}

function refused(why: string, cause?: unknown): XmtpError {
  const message = `the browser refuses this page its worker: ${why}; ${HOW_TO}`;
  return new XmtpError("client.no_worker", message, { cause, details: { reason: "refused" } });
}

/** The same for a client: one with a stored database would be refused its storage as well. @internal */
export function refusedStorage(error: unknown, dbPath: string | null | undefined): unknown {
  if (!(error instanceof XmtpError) || error.code !== "client.no_worker" || error.details === undefined || dbPath === null) return error;
  return new XmtpError("storage.unavailable", error.message, { cause: error, details: error.details });
}

function isOfAnotherOrigin(workerUrl: ClientOptions["workerUrl"]): boolean {
  const own = (globalThis as { origin?: string }).origin;
  if (isOpaque()) return false;
  try {
    const { origin } = new URL(String(workerUrl ?? import.meta.url), globalThis.location?.href);
    // Builds write addresses of files in place of `import.meta.url`.
    return origin !== own && origin !== "null";
  } catch {
    return true;
  }
}
