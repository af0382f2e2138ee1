/** Where what is kept of databases lies: IndexedDB, which can hold keys that no code can read out. */
import { XmtpError } from "./errors.js";
import type { Kept } from "./keys.js";

const NAME = "xmtp-web-keys";

export interface KeyStore {
  get(id: string): Promise<Kept | undefined>;
  /** Resolves when it is on disk, as far as a browser says. */
  put(kept: Kept): Promise<void>;
  delete(id: string): Promise<void>;
  /** Of everything that is kept. */
  ids(): Promise<string[]>;
}

export const keyStore: KeyStore = {
  get: (id) => withStore("readonly", (store) => store.get(id) as IDBRequest<Kept | undefined>),
  put: async (kept) => void (await withStore("readwrite", (store) => store.put(kept))),
  delete: (id) => withStore("readwrite", (store) => store.delete(id)),
  ids: () => withStore("readonly", (store) => store.getAllKeys() as IDBRequest<string[]>),
};

async function withStore<T>(mode: IDBTransactionMode, use: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(NAME, mode, { durability: "strict" });
      const request = use(transaction.objectStore(NAME));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(failure(transaction.error));
    });
  } finally {
    database.close();
  }
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const unavailable = (error: unknown): void => {
      const details = { reason: "no_key_store" };
      reject(new XmtpError("storage.unavailable", `the database's key cannot be kept: ${String(error)}`, { details }));
    };
    try {
      const opening = indexedDB.open(NAME, 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore(NAME, { keyPath: "id" });
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => unavailable(opening.error);
    } catch (error) {
      unavailable(error);
    }
  });
}

function failure(error: DOMException | null): XmtpError {
  const isFull = error?.name === "QuotaExceededError";
  return new XmtpError(isFull ? "storage.full" : "storage.failed", `the database's key is not kept: ${String(error)}`, {
    retryable: isFull,
  });
}
