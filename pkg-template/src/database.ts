/** The directories of databases in the origin's private file system, and what they are called. Runs in the worker. */
import { toPlainError, XmtpError } from "./errors.js";
import { sha256Hex } from "./hash.js";

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
  await (await navigator.storage.getDirectory()).removeEntry(ROOT).catch(() => undefined);
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

/** The directory of all databases; undefined where there is none. */
async function databases(): Promise<FileSystemDirectoryHandle | undefined> {
  try {
    return await (await navigator.storage.getDirectory()).getDirectoryHandle(ROOT);
  } catch {
    // What stands in the way of files is told by whoever opens them.
    return undefined;
  }
}

async function has(root: FileSystemDirectoryHandle, directory: string): Promise<boolean> {
  try {
    await root.getDirectoryHandle(directory);
    return true;
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotFoundError") return false;
    throw new XmtpError("storage.failed", `the directory of the database cannot be looked at: ${String(error)}`);
  }
}

function inUse(error: unknown): unknown {
  if (!(error instanceof DOMException)) return error;
  const isOpen = error.name === "NoModificationAllowedError" || error.name === "InvalidModificationError";
  return isOpen
    ? new XmtpError("storage.locked_by_other_tab", "the database is open: close it first, or delete it from its client", {
        retryable: true,
      })
    : new XmtpError("storage.failed", `the files of the database cannot be deleted: ${toPlainError(error).message}`);
}
