/** What helps to find a fault and may be shown to anybody: no keys, no texts, no whole ids. */
import type { Channel } from "./channel.js";
import type { TabRole } from "./events.js";
import type { ConnectionState } from "./network.js";
import type { ResolvedOptions } from "./options.js";
import type { ClientState } from "./rpc.js";
import type { XmtpEnv } from "./types.js";
import { PACKAGE_VERSION } from "./version.js";

/** An error that a call or stream of this page ended with. */
export interface RecentError {
  code: string;
  /** What was asked of the worker, or the kind of the stream. */
  during: string;
  /** Milliseconds since the Unix epoch. */
  at: number;
}

/**
 * The state of a client for a bug report. It holds no keys, no message texts, no names, and of ids and addresses the first and
 * last four characters. What could not be found out is undefined.
 */
export interface Diagnostics {
  /** Milliseconds since the Unix epoch. */
  at: number;
  versions: {
    /** Of this package. */
    package: string;
    /** The libxmtp version whose protocol it speaks. */
    protocol: string;
    app: string | undefined;
  };
  env: XmtpEnv;
  /** The node, without path and query. */
  node: string;
  inboxId: string;
  installationId: string;
  isRegistered: boolean | undefined;
  storage: {
    kind: "memory" | "opfs";
    /** Bytes of this account's database: its file and journal, with what lies around them. Undefined in memory. */
    bytes: number | undefined;
    /** Bytes that this origin has stored, this account's database among them, and may store. */
    usage: number | undefined;
    quota: number | undefined;
    /** Whether the browser keeps it when space gets scarce. */
    isPersisted: boolean | undefined;
  };
  tab: TabRole;
  connection: ConnectionState | undefined;
  page: { isOnline: boolean | undefined; isVisible: boolean | undefined };
  counts: {
    groups: number | undefined;
    dms: number | undefined;
    messages: number | undefined;
    /** Conversations that wait for a newer version (XIP-72). */
    paused: number | undefined;
    /** Messages on their way, and those that failed. */
    unpublished: number | undefined;
    failed: number | undefined;
    openStreams: number;
    pendingCalls: number;
  };
  /** The code the client has ended with; undefined while it is open. */
  ended: string | undefined;
  /** The newest 20, oldest first. */
  recentErrors: RecentError[];
}

/** What the database counts. */
export interface DatabaseCounts {
  groups: number;
  dms: number;
  messages: number;
  paused: number;
  unpublished: number;
  failed: number;
  /** Bytes of its files; undefined in memory, and where the browser does not tell. */
  bytes: number | undefined;
}

/** Enough to tell ids apart, too little to find anybody. */
function shortened(id: string): string {
  return id.length <= 12 ? "…" : `${id.slice(0, 4)}…${id.slice(-4)}`;
}

function originOf(apiUrl: string): string {
  try {
    return new URL(apiUrl).origin;
  } catch {
    return "";
  }
}

/** What a promise gives within a moment; a client that hangs is what one wants to know of. */
function soon<T>(promise: Promise<T> | undefined): Promise<T | undefined> {
  if (promise === undefined) return Promise.resolve(undefined);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), PATIENCE_MS)));
  return Promise.race([promise.catch(() => undefined), late]).finally(() => clearTimeout(timer));
}

const PATIENCE_MS = 2_000;

/** @internal */
export async function diagnose(channel: Channel, options: ResolvedOptions, state: ClientState): Promise<Diagnostics> {
  const recentErrors = [...channel.recentErrors];
  const { openStreams, pendingCalls, role, endedWith } = channel;
  const storage = globalThis.navigator?.storage as StorageManager | undefined;
  const [isRegistered, connection, counts, estimate, isPersisted] = await Promise.all([
    soon(channel.call("client.isRegistered")),
    soon(channel.call("client.connectionState")),
    soon(channel.call("client.counts")),
    soon(storage?.estimate?.()),
    soon(storage?.persisted?.()),
  ]);
  return {
    at: Date.now(),
    versions: { package: PACKAGE_VERSION, protocol: state.protocolVersion, app: options.appVersion },
    env: options.env,
    node: originOf(options.apiUrl),
    inboxId: shortened(state.inboxId),
    installationId: shortened(state.installationId),
    isRegistered,
    storage: {
      kind: options.dbPath === null ? "memory" : "opfs",
      bytes: counts?.bytes,
      usage: estimate?.usage,
      quota: estimate?.quota,
      isPersisted,
    },
    tab: role,
    connection,
    page: {
      isOnline: globalThis.navigator?.onLine,
      isVisible: globalThis.document === undefined ? undefined : globalThis.document.visibilityState !== "hidden",
    },
    counts: {
      groups: counts?.groups,
      dms: counts?.dms,
      messages: counts?.messages,
      paused: counts?.paused,
      unpublished: counts?.unpublished,
      failed: counts?.failed,
      openStreams,
      pendingCalls,
    },
    ended: endedWith?.code,
    recentErrors,
  };
}
