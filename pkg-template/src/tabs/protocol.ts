/** What tabs say to each other, and which requests may be carried out a second time (docs/TABS.md). */
import type { PlainError } from "../errors.js";
import type { ToPage } from "../rpc.js";

/** One worker of one page; a new one for each page load. */
export type TabId = string;

/**
 * How new a build is. `schema` is the number of its newest migration, `protocol` that of these messages and of how files are
 * written: what is greater opens what is smaller, never the other way round.
 */
export interface Version {
  schema: number;
  protocol: number;
}

export const VERSION: Version = { schema: 7, protocol: 3 };

export function isNewer(one: Version, other: Version): boolean {
  return one.schema !== other.schema ? one.schema > other.schema : one.protocol > other.protocol;
}

/** How a request ended. */
export type Outcome = { ok: true; result: unknown } | { ok: false; error: PlainError };

/** What a page asks of its worker. */
export interface Call {
  id: number;
  method: string;
  args: unknown;
}

/** What only pages know. */
export interface Surroundings {
  online: boolean;
  visible: boolean;
}

/** An event of a stream, as the page gets it. */
export type StreamEvent = Extract<ToPage, { type: "stream" }>;

/** Heard by all tabs of a database. */
export type HallMessage =
  /** A tab is there; who leads answers. */
  | { type: "here"; from: TabId; version: Version }
  /** The database is open in this tab. A term is one such time. */
  | { type: "leader"; from: TabId; term: string; version: Version }
  /** The database is closed again; somebody else's turn. */
  | { type: "resigned"; from: TabId; term: string };

/** Heard by all tabs too: the database has another key. Of no concern to the state machine. */
export interface Rekeyed {
  type: "rekeyed";
  dbEncryptionKey: Uint8Array | undefined;
}

/** Heard by one tab. */
export type MailMessage =
  /** To the leader. After `expiresAt` (milliseconds since the Unix epoch) it must not be begun. */
  | { type: "request"; from: TabId; term: string; call: Call; expiresAt: number }
  /** To the leader: the answer has come and may be forgotten. */
  | { type: "ack"; from: TabId; term: string; id: number }
  | { type: "network"; from: TabId; term: string; surroundings: Surroundings }
  | { type: "leave"; from: TabId; term: string }
  /** From the leader: the request has been begun. */
  | { type: "accepted"; term: string; id: number }
  | { type: "answer"; term: string; id: number; outcome: Outcome }
  | { type: "stream"; term: string; event: StreamEvent };

function has(value: unknown, ...texts: string[]): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  return texts.every((name) => typeof (value as Record<string, unknown>)[name] === "string");
}

/** Whether this is understood here. Tabs of other versions, and other code of the origin, may say anything. */
export function isHallMessage(message: unknown): message is HallMessage {
  if (!has(message, "type", "from")) return false;
  if (message.type === "resigned") return has(message, "term");
  if (message.type !== "here" && !(message.type === "leader" && has(message, "term"))) return false;
  const { version } = message as { version?: Partial<Version> };
  return Number.isSafeInteger(version?.schema) && Number.isSafeInteger(version?.protocol);
}

/** The same of a change of the key. */
export function isRekeyed(message: unknown): message is Rekeyed {
  if (!has(message, "type") || message.type !== "rekeyed") return false;
  const { dbEncryptionKey: key } = message;
  return key === undefined || (key instanceof Uint8Array && key.length === 32);
}

/** The same of what is said to one tab. */
export function isMailMessage(message: unknown): message is MailMessage {
  if (!has(message, "type", "term")) return false;
  const { type, id } = message;
  if (type === "accepted") return Number.isSafeInteger(id);
  if (type === "answer") return Number.isSafeInteger(id) && typeof message.outcome === "object" && message.outcome !== null;
  if (type === "stream") return typeof message.event === "object" && message.event !== null;
  if (!has(message, "from")) return false;
  if (type === "ack") return Number.isSafeInteger(id);
  if (type === "request") {
    const { call, expiresAt } = message;
    return has(call, "method") && Number.isSafeInteger(call.id) && typeof expiresAt === "number";
  }
  if (type === "network") return typeof message.surroundings === "object" && message.surroundings !== null;
  return type === "leave";
}

/**
 * Requests that leave the same behind when they are carried out twice, with whatever others do in between: they read,
 * or fetch, or find what they would otherwise make.
 */
const REPEATABLE: ReadonlySet<string> = new Set([
  "client.open", "client.signatureText", "client.addSignature", "client.register", "client.isRegistered",
  "client.connectionState", "client.counts", "client.callCounts", "client.canMessage", "client.inboxIdForIdentifier", "client.signatureRequest",
  "client.inboxStates", "client.updatesCounts", "client.keyPackageStatuses", "client.signWithInstallationKey",
  "client.verifySignature",
  // An archive brings nothing twice.
  "client.createArchive", "client.importArchive", "client.archiveMetadata", "client.processSyncArchive", "client.availableArchives",
  "conversations.sync", "conversations.syncAll", "conversations.list", "conversations.byId",
  "conversations.createDm", "conversations.createDmWithAddress", "conversations.dmByInboxId",
  "conversations.dmByAddress", "conversations.byMessageId", "conversations.messageById", "conversations.hmacKeys",
  "dm.peerInboxId", "dm.duplicates",
  "group.sync", "group.snapshot", "group.members", "group.publishMessages", "group.messages", "group.countMessages",
  "group.hmacKeys", "group.lastReadTimes", "group.processStreamedMessage", "group.isPendingRemoval",
  "group.debugInfo", "group.consentState",
  "preferences.sync", "preferences.getConsentState", "preferences.consentList", "preferences.refreshConsentList",
  "preferences.identityKey",
  "stream.open", "stream.end",
]);

/** Sending: the same key and content are the same message, however often it is asked for. */
const KEYED: ReadonlySet<string> = new Set(["group.send", "group.sendContent"]);

interface Keyed {
  options: { idempotencyKey?: string | undefined };
}

/** Whether anybody may do this again, and not only whoever knows the key of the first time. */
export function isRepeatable(call: Call): boolean {
  return REPEATABLE.has(call.method);
}

/** Whether a request that may have been carried out may be so again. */
export function mayRepeat(call: Call): boolean {
  if (KEYED.has(call.method)) return typeof (call.args as Keyed).options.idempotencyKey === "string";
  return REPEATABLE.has(call.method);
}

/** Gives a message that is to be sent a key of its own, unless the app gave it one. */
export function withKey(call: Call, newKey: () => string): Call {
  if (!KEYED.has(call.method) || mayRepeat(call)) return call;
  const args = call.args as Keyed;
  return { ...call, args: { ...args, options: { ...args.options, idempotencyKey: newKey() } } };
}

let lastKey = 0n;

/** A time in nanoseconds, as clients of this network key their messages; those that no clock shows are random. */
export function newMessageKey(): string {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  const key = BigInt(Date.now()) * 1_000_000n + BigInt(random % 1_000_000);
  lastKey = key > lastKey ? key : lastKey + 1n;
  return lastKey.toString();
}

export function failure(code: string, message: string, retryable = false): { ok: false; error: PlainError } {
  return { ok: false, error: { code, message, retryable } };
}

/** Of a call that is not made once more. */
export const OUTCOME_UNKNOWN = failure(
  "tabs.outcome_unknown",
  "the tab that carried this out is gone, and it may have happened: look before you call again",
);
