/**
 * The files of databases that nobody has open, as `Opfs` shows them. Each database has a directory of slots; a slot begins
 * with its file's name and kind and goes on with the bytes (the pool of sqlite-wasm-vfs 0.3). Runs in the worker, where
 * alone files can be held.
 */
import { deleteFiles, directoryOf, isNamed, nameHash, privateFiles, unavailable } from "./database.js";
import { invalidArgument, toPlainError, XmtpError } from "./errors.js";
import { keyStore } from "./key-store.js";
import { deleteKept } from "./keys.js";

const ROOT = ".xmtp-web";
const SLOTS = ".opaque";
const FILE = "/client.db3";
/** Bytes of a slot before the file's own. */
const HEADER_BYTES = 4096;
const NAME_BYTES = 512;
/** SQLite's flags of a database that is read, written and created. */
const MAIN_DATABASE = 0x106;

/** A handle that holds its file alone; the DOM library of the page has no type for it. */
interface SyncHandle {
  read(into: Uint8Array, options: { at: number }): number;
  write(from: Uint8Array, options: { at: number }): number;
  getSize(): number;
  flush(): void;
  close(): void;
}

/** The directories of all databases, by name. */
export async function listDatabases(): Promise<string[]> {
  const names: string[] = [];
  for await (const [name, handle] of entries(await root(false))) if (handle.kind === "directory") names.push(name);
  return names.sort();
}

/** How many files there is room for, in all databases. */
export async function countSlots(): Promise<number> {
  let count = 0;
  for (const name of await listDatabases()) for await (const _ of entries(await slotsOf(name))) count += 1;
  return count;
}

export async function hasDatabase(path: string): Promise<boolean> {
  return (await slotsOf(await directoryFor(path))) !== undefined;
}

/** The installation in a database, where that is known. */
export async function installationIn(path: string): Promise<string | undefined> {
  return (await keyStore.get(await idOf(path)))?.installationId;
}

/** Deletes a database with its key; answers whether it was there. Refused while it is open. */
export async function deleteDatabase(path: string): Promise<boolean> {
  const directory = await directoryFor(path);
  const id = await idOf(path);
  const found = await child(await root(false), directory);
  if (found === undefined && (await keyStore.get(id)) === undefined) return false;
  await deleteKept(id, () => (isListed(path) ? removeDirectory(directory) : deleteFiles(path)));
  return found !== undefined;
}

/** The bytes of a database as they lie there: encrypted. */
export async function exportDatabase(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const slots = await slotsOf(await directoryFor(path));
  if (slots === undefined) throw notFound(path);
  return holding(slots, (held) => {
    if (held.some(({ name, bytes }) => name !== undefined && name !== FILE && bytes > 0)) {
      throw new XmtpError("storage.failed", "a transaction was interrupted: open the client and close it, then export");
    }
    const file = held.find(({ name }) => name === FILE);
    if (file === undefined) throw notFound(path);
    const data = new Uint8Array(file.bytes);
    for (let at = 0; at < data.length; ) {
      const read = file.handle.read(data.subarray(at), { at: HEADER_BYTES + at });
      if (read === 0) throw new XmtpError("storage.failed", "the database is shorter than it says");
      at += read;
    }
    return data;
  });
}

/** Puts the bytes of an export in a place where there is no database. */
export async function importDatabase(path: string, data: Uint8Array): Promise<void> {
  // Pages of SQLite; what is in them nobody knows without the key.
  if (data.length < NAME_BYTES || data.length % NAME_BYTES !== 0) throw invalidArgument("these bytes are no database");
  const directory = await directoryFor(path);
  const all = (await root(true)) as FileSystemDirectoryHandle;
  if ((await child(all, directory)) !== undefined) {
    throw invalidArgument("there is a database of this name: delete it first");
  }
  try {
    const slots = await (await all.getDirectoryHandle(directory, { create: true })).getDirectoryHandle(SLOTS, { create: true });
    const handle = await hold(await slots.getFileHandle(crypto.randomUUID().replaceAll("-", ""), { create: true }));
    try {
      writeAll(handle, data, HEADER_BYTES);
      handle.flush();
      // The name last: until then the slot is an empty one.
      const header = new Uint8Array(NAME_BYTES + 4);
      header.set(new TextEncoder().encode(FILE));
      new DataView(header.buffer).setUint32(NAME_BYTES, MAIN_DATABASE);
      writeAll(handle, header, 0);
      handle.flush();
    } finally {
      handle.close();
    }
  } catch (error) {
    await removeDirectory(directory).catch(() => undefined);
    throw failure(error);
  }
}

/** Deletes all databases and their keys; the first one that is open ends it. */
export async function deleteAllDatabases(): Promise<void> {
  for (const name of await listDatabases()) {
    if (isListed(name)) await deleteKept(name, () => removeDirectory(name));
    else await removeDirectory(name);
  }
  // Of those whose files are gone already, or were called otherwise; not of one that is just being made.
  const left = new Set(await listDatabases());
  for (const id of await keyStore.ids()) if (!left.has(id)) await keyStore.delete(id);
}

/** A name as `listDatabases` shows it, in place of a path. */
function isListed(path: string): boolean {
  return /^[0-9a-f]{64}$/.test(path);
}

/** What is kept of a database is kept under this. */
async function idOf(path: string): Promise<string> {
  return isListed(path) ? path : nameHash(path);
}

async function directoryFor(path: string): Promise<string> {
  if (typeof path !== "string" || path === "") throw invalidArgument("the path of a database must be a name");
  return isListed(path) ? path : directoryOf(path);
}

/** The directory of all databases; undefined where there is none and none is wanted. */
async function root(create: boolean): Promise<FileSystemDirectoryHandle | undefined> {
  const origin = await privateFiles();
  if (create) return origin.getDirectoryHandle(ROOT, { create }).catch((error: unknown) => Promise.reject(failure(error)));
  return child(origin, ROOT);
}

async function child(parent: FileSystemDirectoryHandle | undefined, name: string): Promise<FileSystemDirectoryHandle | undefined> {
  try {
    return await parent?.getDirectoryHandle(name);
  } catch (error) {
    if (isNamed(error, "NotFoundError", "TypeMismatchError")) return undefined;
    // A name that no directory can have.
    if (error instanceof TypeError) return undefined;
    throw unavailable(error);
  }
}

async function slotsOf(directory: string): Promise<FileSystemDirectoryHandle | undefined> {
  return child(await child(await root(false), directory), SLOTS);
}

async function* entries(directory: FileSystemDirectoryHandle | undefined): AsyncGenerator<[string, FileSystemHandle]> {
  if (directory === undefined) return;
  const all = directory as unknown as AsyncIterable<[string, FileSystemHandle]>;
  for await (const entry of all) yield entry;
}

interface Held {
  handle: SyncHandle;
  /** Undefined: an empty slot. */
  name: string | undefined;
  /** Of the file, without the header. */
  bytes: number;
}

/** Holds all slots of a database, so that nobody can open it meanwhile. */
async function holding<T>(slots: FileSystemDirectoryHandle, use: (held: Held[]) => T): Promise<T> {
  const handles: SyncHandle[] = [];
  try {
    for await (const [, file] of entries(slots)) if (file.kind === "file") handles.push(await hold(file as FileSystemFileHandle));
    return use(handles.map((handle) => ({ handle, name: nameIn(handle), bytes: Math.max(0, handle.getSize() - HEADER_BYTES) })));
  } catch (error) {
    throw failure(error);
  } finally {
    for (const handle of handles) handle.close();
  }
}

function hold(file: FileSystemFileHandle): Promise<SyncHandle> {
  return (file as unknown as { createSyncAccessHandle(): Promise<SyncHandle> }).createSyncAccessHandle();
}

function nameIn(handle: SyncHandle): string | undefined {
  const header = new Uint8Array(NAME_BYTES);
  if (handle.read(header, { at: 0 }) < header.length) return undefined;
  const end = header.indexOf(0);
  return end < 1 ? undefined : new TextDecoder().decode(header.subarray(0, end));
}

function writeAll(handle: SyncHandle, data: Uint8Array, from: number): void {
  for (let at = 0; at < data.length; ) {
    const written = handle.write(data.subarray(at), { at: from + at });
    if (written === 0) throw new XmtpError("storage.full", "the browser takes no more bytes");
    at += written;
  }
}

async function removeDirectory(name: string): Promise<void> {
  try {
    await (await root(false))?.removeEntry(name, { recursive: true });
  } catch (error) {
    if (isNamed(error, "NotFoundError")) return;
    throw failure(error);
  }
}

function notFound(path: string): XmtpError {
  return new XmtpError("argument.invalid", `there is no database "${path}"`);
}

function failure(error: unknown): unknown {
  if (!(error instanceof DOMException)) return error;
  switch (error.name) {
    case "NoModificationAllowedError":
    case "InvalidModificationError":
      return new XmtpError("storage.locked_by_other_tab", "the database is open: close its client first", { retryable: true });
    case "QuotaExceededError":
      return new XmtpError("storage.full", "no space is left");
    default:
      return new XmtpError("storage.failed", `the files cannot be reached: ${toPlainError(error).message}`);
  }
}
