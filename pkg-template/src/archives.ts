import type { CallOptions } from "./abort.js";
import { XmtpError } from "./errors.js";
import type { ArchiveContents, ArchiveOnServer, ArchiveSummary } from "./rpc.js";

/** What an archive holds. */
export enum BackupElementSelectionOption {
  /** Conversations and their messages. */
  Messages = 0,
  /** Decisions about conversations and inboxes. */
  Consent = 1,
}

/** What is put into an archive. */
export interface ArchiveOptions extends CallOptions {
  /** Only what is later: nanoseconds since the Unix epoch. */
  startNs?: bigint;
  /** Only what is earlier. */
  endNs?: bigint;
  elements: BackupElementSelectionOption[];
  /** Leaves messages out that will disappear. */
  excludeDisappearingMessages: boolean;
}

/** What an archive says of itself. */
export interface ArchiveMetadata {
  /** The version of the format. */
  backupVersion: number;
  /** Kinds that this version does not know are left out. */
  elements: BackupElementSelectionOption[];
  exportedAtNs: bigint;
  startNs?: bigint;
  endNs?: bigint;
}

/** An archive that an installation of this inbox has put on a server. */
export interface AvailableArchiveInfo {
  /** Names it in `processSyncArchive`. */
  pin: string;
  metadata: ArchiveMetadata;
  /** Who made it: an installation's id. */
  sentByInstallation: Uint8Array;
}

const ALL = [BackupElementSelectionOption.Messages, BackupElementSelectionOption.Consent];
const KEY_LENGTH = 32;

function invalid(message: string): XmtpError {
  return new XmtpError("argument.invalid", message);
}

/** The key as the format takes it. Of a longer one the first 32 bytes count, as in `@xmtp/browser-sdk`. */
export function checkArchiveKey(key: unknown): Uint8Array {
  if (!(key instanceof Uint8Array) || key.length < KEY_LENGTH) {
    throw invalid("the archive's key must be a Uint8Array of at least 32 bytes");
  }
  return key.subarray(0, KEY_LENGTH);
}

/** The bytes of an archive. */
export function checkArchive(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data;
  throw invalid("the archive must be a Uint8Array");
}

/** The options as the worker takes them; none: everything. */
export function archiveContents(options: ArchiveOptions | undefined): ArchiveContents {
  const { elements = ALL, startNs, endNs, excludeDisappearingMessages = false, signal: _, ...rest } = options ?? {};
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw new XmtpError("argument.unsupported", `an archive has no option ${unknown}`);
  if (!Array.isArray(elements) || elements.length === 0 || !elements.every((element) => ALL.includes(element))) {
    throw invalid("elements must be an array of BackupElementSelectionOption, with at least one");
  }
  return {
    elements: elements.reduce((sum, element) => sum | (1 << element), 0),
    startNs,
    endNs,
    excludeDisappearingMessages,
  };
}

/** An address of a server, checked; none given: the client's. */
export function checkServerUrl(given: string | undefined, ofClient: string | undefined): string {
  const url = given ?? ofClient;
  if (typeof url === "string" && /^https?:\/\//.test(url)) return url;
  throw invalid("no server for archives: pass a serverUrl that begins with http:// or https://, or the option historySyncUrl");
}

export function checkPin(pin: unknown): string {
  if (typeof pin === "string" && pin !== "") return pin;
  throw invalid("an archive's pin must be a text");
}

/** Archives as the page shows them. */
export function availableArchives(found: ArchiveOnServer[]): AvailableArchiveInfo[] {
  return found.map((archive) => ({ ...archive, metadata: archiveMetadata(archive.metadata) }));
}

/** What the worker answered, as the page shows it. */
export function archiveMetadata(summary: ArchiveSummary): ArchiveMetadata {
  const { version, elements, exportedAtNs, startNs, endNs } = summary;
  return {
    backupVersion: version,
    elements: ALL.filter((element) => (elements & (1 << element)) !== 0),
    exportedAtNs,
    ...(startNs === undefined ? {} : { startNs }),
    ...(endNs === undefined ? {} : { endNs }),
  };
}
