/**
 * Database keys. One that is kept for the app is random and wrapped by a key of this browser that no code can read out
 * (non-extractable WebCrypto, in IndexedDB), bound to the origin and the database's name; one of the app's own is never
 * stored. What is kept beside them tells a database that is gone from one that was never made. Runs in the worker of
 * the tab that has the database.
 */
import { directoryOf, hasFiles, nameHash } from "./database.js";
import { XmtpError } from "./errors.js";
import { keyStore, type KeyStore } from "./key-store.js";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;

/** What a database is encrypted with. */
export type Held =
  | { kind: "managed"; wrapping: CryptoKey; nonce: Uint8Array<ArrayBuffer>; wrapped: ArrayBuffer }
  /** The app's own, which it gives each time. */
  | { kind: "own" };

/** What is kept of one database. */
export interface Kept {
  /** The hash of its name, which may hold an inbox id. */
  id: string;
  current: Held;
  /** What a change of the key leads to, from before it is begun until it is known to have ended. */
  next?: Held | undefined;
  /**
   * What a change before that one led to, which failed: its pages may have reached the disk all the same. One of the two is
   * managed then, and the other one the app's own.
   */
  earlier?: Held | undefined;
  /** The file may lie in clear: encrypting it was begun. */
  encrypting?: boolean | undefined;
  /** The installation in it, once the network knows that. */
  installationId?: string | undefined;
}

/** What a database is to be opened with. */
export interface Offer {
  key: Uint8Array;
  /** The file lies in clear, and is encrypted with the key as it is opened. */
  clear: boolean;
}

interface Candidate extends Offer {
  held: Held;
}

/** Finds the key of one database, and keeps what has to be kept of it. One for each opening. */
export class Keeper {
  readonly #own: Uint8Array | undefined;
  readonly #isBack: boolean;
  readonly #madeHere: string | undefined;
  readonly #store: KeyStore;
  readonly #lookForFiles: (name: string) => Promise<boolean>;
  #name = "";
  #kept: Kept | undefined;
  #candidates: Candidate[] | undefined;
  #offered: Candidate | undefined;
  #changing: Promise<unknown> = Promise.resolve();

  /**
   * `isBack`: this tab had the database open before. `madeHere`: the installation that the page knows of. Neither is then
   * made anew.
   */
  constructor(
    own: Uint8Array | undefined,
    { isBack = false, madeHere }: { isBack?: boolean; madeHere?: string | undefined } = {},
    store: KeyStore = keyStore,
    lookForFiles: (name: string) => Promise<boolean> = hasFiles,
  ) {
    this.#lookForFiles = lookForFiles;
    this.#own = own;
    this.#isBack = isBack;
    this.#madeHere = madeHere;
    this.#store = store;
  }

  /** What the database is called, once that is known. */
  get name(): string {
    return this.#name;
  }

  /** The directory of the database. Where it is gone none is made. */
  async directory(name: string): Promise<string> {
    this.#name = name;
    if (!(await this.#lookForFiles(name))) {
      const kept = await this.#store.get(await nameHash(name));
      if (kept?.installationId !== undefined) throw evicted(kept.installationId);
      if (this.#isBack) throw deleted();
    }
    return directoryOf(name);
  }

  /**
   * What to try next. Nothing wrong is done by a key that does not fit: the file and its journal stay as they are.
   * `failed` is how the last one failed.
   */
  async key(exists: boolean, clear: boolean, failed?: string): Promise<Offer> {
    this.#candidates ??= await this.#find(exists, clear);
    const offer = this.#candidates.shift();
    if (offer === undefined) throw this.#nothingFits(failed);
    if (offer.clear) await this.#keep({ ...(this.#kept as Kept), encrypting: true });
    this.#offered = offer;
    return { key: offer.key, clear: offer.clear };
  }

  /** The last offer has opened the database. */
  async opened(): Promise<void> {
    const { held, key } = this.#offered as Candidate;
    this.#offered = this.#candidates = undefined;
    if (key !== this.#own) key.fill(0);
    const kept = this.#kept as Kept;
    if (kept.current === held && kept.next === undefined && kept.encrypting !== true) return;
    await this.#keep({ ...kept, current: held, next: undefined, earlier: undefined, encrypting: undefined });
  }

  /** The network knows the installation in the database. */
  async installed(installationId: string): Promise<void> {
    const kept = this.#kept as Kept;
    if (kept.installationId !== installationId) await this.#keep({ ...kept, installationId });
  }

  /**
   * Changes the key: to the app's own, or to a new one that is kept for it. `apply` encrypts the database, in one
   * transaction. Whatever happens in between, what is kept opens the database: with the one key or the other.
   */
  rekey(own: Uint8Array | undefined, apply: (key: Uint8Array) => void): Promise<void> {
    const change = async (): Promise<void> => {
      const before = this.#kept as Kept;
      const failed = [before.next, before.earlier];
      const begun = failed.find((held) => held?.kind === "managed");
      const { key, held: next } =
        own !== undefined
          ? ownKey(own)
          : begun?.kind === "managed"
            ? { key: await unwrap(this.#name, begun), held: begun }
            : await newKey(this.#name);
      await this.#keep({ ...before, next, earlier: failed.find((held) => held !== undefined && held.kind !== next.kind) });
      apply(key);
      if (own === undefined) key.fill(0);
      // Known here from now on, even if it cannot be written: then the next opening finds out which one fits.
      this.#kept = { ...before, current: next, next: undefined, earlier: undefined };
      await this.#store.put(this.#kept).catch(() => undefined);
    };
    const done = this.#changing.then(change);
    this.#changing = done.catch(() => undefined);
    return done;
  }

  async #keep(kept: Kept): Promise<void> {
    await this.#store.put(kept);
    this.#kept = kept;
  }

  async #find(exists: boolean, clear: boolean): Promise<Candidate[]> {
    const kept = (this.#kept = await this.#store.get(await nameHash(this.#name)));
    if (!exists) return [await this.#begin(kept)];
    if (kept === undefined) return this.#adopt(clear);
    const candidates: Candidate[] = [];
    for (const held of [kept.current, kept.next, kept.earlier]) {
      if (held?.kind === "managed" && this.#own === undefined) {
        candidates.push({ held, key: await unwrap(this.#name, held), clear: false });
      } else if (held?.kind === "own" && this.#own !== undefined) candidates.push({ held, key: this.#own, clear: false });
    }
    const [first] = candidates;
    if (first === undefined) throw this.#nothingFits();
    if (clear || kept.encrypting === true) candidates.push({ ...first, clear: true });
    return candidates;
  }

  /** A database that is not there yet. */
  async #begin(kept: Kept | undefined): Promise<Candidate> {
    const installationId = kept?.installationId ?? (this.#isBack ? undefined : this.#madeHere);
    if (installationId !== undefined) throw evicted(installationId);
    if (this.#isBack) throw deleted();
    // Kept before anything is encrypted with it; a key from an attempt that went no further serves as well.
    if (kept?.current.kind === "managed" && this.#own === undefined) {
      return { held: kept.current, key: await unwrap(this.#name, kept.current), clear: false };
    }
    return this.#make();
  }

  /** A database of which nothing is kept: made in clear by an earlier version, or with a key of the app's own. */
  async #adopt(clear: boolean): Promise<Candidate[]> {
    if (this.#own === undefined && !clear) {
      throw new XmtpError(
        "storage.key_lost",
        "this database is encrypted, and no key is kept for it (any more). If it was made with a dbEncryptionKey, pass " +
          "that; otherwise nothing can read it: Client.deleteLocalDatabase, then a new installation",
      );
    }
    const candidate = await this.#make();
    return clear ? [candidate, { ...candidate, clear: true }] : [candidate];
  }

  async #make(): Promise<Candidate> {
    const { key, held } = this.#own === undefined ? await newKey(this.#name) : ownKey(this.#own);
    const kept: Kept = { id: await nameHash(this.#name), current: held };
    // Nothing is kept of a key of the app's own until it has opened the database: it may be a wrong one.
    if (this.#own === undefined) await this.#keep(kept);
    else this.#kept = { ...kept, next: held };
    return { held, key, clear: false };
  }

  #nothingFits(failed?: string): XmtpError {
    const { current, next, earlier } = this.#kept as Kept;
    if (failed === "storage.corrupt") {
      return new XmtpError("storage.corrupt", "a page of the database or of its journal does not decode");
    }
    if (this.#own !== undefined) {
      return ![current, next, earlier].some((held) => held?.kind === "own")
        ? wrongKey("a key is kept for this database: open it without dbEncryptionKey, and call client.rekey")
        : wrongKey("the database cannot be opened with this dbEncryptionKey");
    }
    if ([current, next, earlier].some((held) => held?.kind === "own")) {
      return wrongKey("this database is encrypted with a key of the app: pass it as dbEncryptionKey");
    }
    return new XmtpError("storage.key_lost", "the key that is kept for this database does not open it");
  }
}

/**
 * Deletes a database and what is kept of it under this id. Wherever that is cut off, or where the files cannot be removed, the
 * database is whole or there is none, and none is told as cleared by the browser. Answers which installation was in it, if that
 * is known.
 */
export async function deleteKept(id: string, removeFiles: () => Promise<void>, store: KeyStore = keyStore): Promise<string | undefined> {
  const kept = await store.get(id);
  if (kept?.installationId === undefined) await removeFiles();
  else {
    // On a full disk perhaps; then the files must go all the same.
    await store.put({ ...kept, installationId: undefined }).catch(() => undefined);
    try {
      await removeFiles();
    } catch (error) {
      await store.put(kept).catch(() => undefined);
      throw error;
    }
  }
  // The key last: it is of use as long as there are files.
  await store.delete(id);
  return kept?.installationId;
}

function evicted(installationId: string): XmtpError {
  return new XmtpError(
    "storage.evicted",
    "the database of this installation is gone: the browser or somebody has cleared it. Its messages cannot be had back. " +
      "To go on with a new installation call Client.deleteLocalDatabase, then Client.create, and revoke this one",
    { details: { installationId } },
  );
}

function deleted(): XmtpError {
  return new XmtpError("storage.deleted", "the database was deleted while it was open here: reload this page");
}

function wrongKey(message: string): XmtpError {
  return new XmtpError("storage.wrong_key", message);
}

function ownKey(key: Uint8Array): { key: Uint8Array; held: Held } {
  return { key, held: { kind: "own" } };
}

/** A random key, and what is kept of it. */
async function newKey(name: string): Promise<{ key: Uint8Array; held: Held }> {
  const key = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  const wrapping = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const wrapped = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: boundTo(name) }, wrapping, key);
  return { key, held: { kind: "managed", wrapping, nonce, wrapped } };
}

async function unwrap(name: string, { wrapping, nonce, wrapped }: Held & { kind: "managed" }): Promise<Uint8Array> {
  try {
    const algorithm = { name: "AES-GCM", iv: nonce, additionalData: boundTo(name) };
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, wrapping, wrapped));
  } catch {
    throw new XmtpError("storage.key_lost", "the key that is kept for this database is damaged, or is of another one");
  }
}

function boundTo(name: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(["xmtp-web database key", globalThis.location?.origin ?? "", name]));
}
