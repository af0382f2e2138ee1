/** The directories of databases in the origin's private file system, and what they are called. Runs in the worker. */
import { toPlainError, XmtpError } from "./errors.js";
import { sha256Hex } from "./hash.js";
import { isOpaque } from "./origin.js";

/** The directory of all databases, below the origin's root. The module has the same. */
const ROOT = ".xmtp-web";

/** What a database is called where its name, which may hold an inbox id, must not be read. */
export function nameHash(name: string): Promise<string> {
  return sha256Hex(`xmtp-web database ${name}`);
}

/** The directory of a database: its hash, or its name where an earlier version made it. */
export async function directoryOf(name: string): Promise<string> {
  const hash = await nameHash(name);
  const root = await databases();
  if (root === undefined || (await has(root, hash))) return hash;
  return (await has(root, earlierDirectory(name))) ? earlierDirectory(name) : hash;
}

/** Whether a database has files. */
export async function hasFiles(name: string): Promise<boolean> {
  const root = await databases();
  return root !== undefined && (await has(root, await directoryOf(name)));
}

/** Bytes of all files of a database, journals and what the pool writes before each file included. */
export async function sizeOf(name: string): Promise<number> {
  const root = await databases();
  const directory = root && (await child(root, await directoryOf(name)));
  return directory === undefined ? 0 : bytesIn(directory);
}

async function bytesIn(directory: FileSystemDirectoryHandle): Promise<number> {
  let bytes = 0;
  // The DOM library lacks this iterator.
  for await (const entry of (directory as unknown as { values(): AsyncIterable<FileSystemHandle> }).values()) {
    bytes += entry.kind === "directory" ? await bytesIn(entry as FileSystemDirectoryHandle) : (await (entry as FileSystemFileHandle).getFile()).size;
  }
  return bytes;
}

/** Deletes all files of a database. Refused while somebody has them open. */
export async function deleteFiles(name: string): Promise<void> {
  const root = await databases();
  if (root === undefined) return;
  try {
    for (const directory of [await nameHash(name), earlierDirectory(name)]) {
      if (await has(root, directory)) await root.removeEntry(directory, { recursive: true });
    }
  } catch (error) {
    throw inUse(error);
  }
  // Only with nothing in it, and it does not matter if somebody is just making something.
  await (await privateFiles()).removeEntry(ROOT).catch(() => undefined);
}

/** A name as earlier versions wrote it into one path component. */
function earlierDirectory(name: string): string {
  const bytes = [...new TextEncoder().encode(name)];
  const write = (byte: number, index: number): string => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9_-]/.test(char) || (char === "." && index > 0) ? char : `%${byte.toString(16).padStart(2, "0")}`;
  };
  return bytes.map(write).join("");
}

/** The root of the origin's private file system. */
export async function privateFiles(): Promise<FileSystemDirectoryHandle> {
  const storage = globalThis.navigator?.storage as StorageManager | undefined;
  if (typeof storage?.getDirectory !== "function") {
    // The worker of a page of no origin does not even see what it is refused.
    const [reason, message] = isOpaque()
      ? ["refused", "the browser refuses its storage to a page of no origin, as a frame in a sandbox is"]
      : ["no_file_system", "this browser gives no private file system here"];
    throw new XmtpError("storage.unavailable", message, { details: { reason } });
  }
  try {
    return await storage.getDirectory();
  } catch (error) {
    throw unavailable(error);
  }
}

/**
 * What an error of the browser's storage means to an app. Whatever it is, nothing is known of what is stored: it must not be
 * taken for gone.
 */
export function unavailable(error: unknown): XmtpError {
  const isRefused = isNamed(error, "SecurityError", "NotAllowedError");
  return new XmtpError(
    "storage.unavailable",
    isRefused
      ? `the browser refuses its storage to this page: ${String(error)}`
      : `the browser's storage cannot be looked at: ${String(error)}`,
    { retryable: !isRefused, details: { reason: isRefused ? "refused" : "failed" }, cause: error },
  );
}

/** Whether this is an error of the browser by one of these names. */
export function isNamed(error: unknown, ...names: string[]): error is DOMException {
  return error instanceof DOMException && names.includes(error.name);
}

/** The directory of all databases; undefined where there is none. */
async function databases(): Promise<FileSystemDirectoryHandle | undefined> {
  return child(await privateFiles(), ROOT);
}

async function has(root: FileSystemDirectoryHandle, directory: string): Promise<boolean> {
  return (await child(root, directory)) !== undefined;
}

/** A directory; undefined only where the browser says that there is none. */
async function child(parent: FileSystemDirectoryHandle, name: string): Promise<FileSystemDirectoryHandle | undefined> {
  try {
    return await parent.getDirectoryHandle(name);
  } catch (error) {
    if (isNamed(error, "NotFoundError")) return undefined;
    throw unavailable(error);
  }
}

function inUse(error: unknown): unknown {
  if (!(error instanceof DOMException)) return error;
  return isNamed(error, "NoModificationAllowedError", "InvalidModificationError")
    ? new XmtpError("storage.locked_by_other_tab", "the database is open: close it first, or delete it from its client", {
        retryable: true,
      })
    : new XmtpError("storage.failed", `the files of the database cannot be deleted: ${toPlainError(error).message}`);
}
