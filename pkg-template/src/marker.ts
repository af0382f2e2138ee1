/**
 * Remembers outside of the database and of IndexedDB that an installation was made here: some browsers clear those two
 * and leave this. Runs on the page; the worker has no `localStorage`.
 */
import { sha256Hex } from "./hash.js";
import type { OpenArgs } from "./rpc.js";

const PREFIX = "xmtp-web:installation:";

async function place({ env, identifier, nonce, dbPath }: OpenArgs): Promise<string> {
  const { identifierKind, identifier: text } = identifier;
  const parts = typeof dbPath === "string" ? [dbPath] : [env, identifierKind, text.toLowerCase(), nonce.toString()];
  return `${PREFIX}${await sha256Hex(JSON.stringify(parts))}`;
}

/** The installation that was made here under these options; undefined where nothing says so. @internal */
export async function markedInstallation(args: OpenArgs): Promise<string | undefined> {
  try {
    return args.dbPath === null ? undefined : (localStorage.getItem(await place(args)) ?? undefined);
  } catch {
    // Where nothing may be stored there is nothing to remember.
    return undefined;
  }
}

/** Notes it. @internal */
export async function markInstallation(args: OpenArgs, installationId: string): Promise<void> {
  if (args.dbPath === null) return;
  try {
    localStorage.setItem(await place(args), installationId);
  } catch {
    // It is a help, not a condition.
  }
}

/**
 * Forgets an installation before its database is deleted, under whatever options it was noted: what dies in between would
 * otherwise be told as a database that the browser has cleared. Answers how to note it again, should the database stay.
 * @internal
 */
export async function unmarkInstallation(args: OpenArgs, installationId?: string): Promise<() => void> {
  if (args.dbPath === null) return () => undefined;
  const id = installationId ?? (await markedInstallation(args));
  const own = await place(args);
  return forget((key, value) => key === own || value === id);
}

/** Forgets some of what is noted; answers how to note it again. */
function forget(isMeant: (key: string, installationId: string) => boolean): () => void {
  const noted = new Map<string, string>();
  try {
    for (const key of Object.keys(localStorage)) {
      const value = localStorage.getItem(key);
      if (!key.startsWith(PREFIX) || value === null || !isMeant(key, value)) continue;
      noted.set(key, value);
      localStorage.removeItem(key);
    }
  } catch {
    // As above.
  }
  return () => {
    try {
      for (const [key, value] of noted) localStorage.setItem(key, value);
    } catch {
      // As above.
    }
  };
}

/**
 * The same of a database by its path or its installation; without either, of all of them. @internal
 */
export async function forgetMarks(of: { path?: string; installationId?: string | undefined } = {}): Promise<() => void> {
  const { path, installationId } = of;
  if (path === undefined && installationId === undefined) return forget(() => true);
  const own = path === undefined ? undefined : `${PREFIX}${await sha256Hex(JSON.stringify([path]))}`;
  return forget((key, value) => key === own || value === installationId);
}
