/**
 * Database keys that are kept for the app: random, wrapped by a key of this browser that no code can read out
 * (non-extractable WebCrypto, in IndexedDB), bound to the origin and the database's name. Runs in the worker.
 */
import { XmtpError } from "./errors.js";

const STORE = "xmtp-web-keys";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;

/** What is kept of one database. */
interface Kept {
  name: string;
  wrapping: CryptoKey;
  nonce: Uint8Array<ArrayBuffer>;
  /** The database's key, encrypted. */
  wrapped: ArrayBuffer;
}

/**
 * The key of a database. One is made, and kept before anything is encrypted with it, when the database does not exist
 * yet. A database without its key is refused and left as it is: `storage.key_lost`.
 */
export async function databaseKey(name: string, exists: boolean): Promise<Uint8Array> {
  const keys = await openKeys();
  try {
    const kept = await done<Kept | undefined>(keys.transaction(STORE).objectStore(STORE).get(name));
    if (kept !== undefined) return await unwrap(kept);
    if (exists) {
      throw new XmtpError("storage.key_lost", "this database was made with a key that is not kept here (any more)", {
        details: { name },
      });
    }
    return await make(keys, name);
  } finally {
    keys.close();
  }
}

/** Forgets the key of a database, which nobody can read from then on. */
export async function forgetDatabaseKey(name: string): Promise<void> {
  const keys = await openKeys();
  try {
    await write(keys, (store) => store.delete(name));
  } finally {
    keys.close();
  }
}

async function make(keys: IDBDatabase, name: string): Promise<Uint8Array> {
  const key = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const wrapping = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const wrapped = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: boundTo(name) }, wrapping, key);
  const kept: Kept = { name, wrapping, nonce, wrapped };
  await write(keys, (store) => store.add(kept));
  return key;
}

async function unwrap({ name, wrapping, nonce, wrapped }: Kept): Promise<Uint8Array> {
  try {
    const bytes = await crypto.subtle.decrypt(
      { name: "AES-GCM", iv: nonce, additionalData: boundTo(name) },
      wrapping,
      wrapped,
    );
    return new Uint8Array(bytes);
  } catch {
    throw new XmtpError("storage.key_lost", "the key that is kept for this database is damaged, or is of another one", {
      details: { name },
    });
  }
}

function boundTo(name: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(["xmtp-web database key", globalThis.location?.origin ?? "", name]));
}

function openKeys(): Promise<IDBDatabase> {
  const opening = indexedDB.open(STORE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "name" });
  return done(opening).catch((error: unknown) => {
    throw new XmtpError("storage.unavailable", `the database key cannot be kept here: ${String(error)}`);
  });
}

/** Resolves when it is on disk, as far as a browser says. */
function write(keys: IDBDatabase, change: (store: IDBObjectStore) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = keys.transaction(STORE, "readwrite", { durability: "strict" });
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => {
      const full = transaction.error?.name === "QuotaExceededError";
      reject(new XmtpError(full ? "storage.full" : "storage.failed", `the key is not kept: ${String(transaction.error)}`));
    };
    change(transaction.objectStore(STORE));
  });
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
