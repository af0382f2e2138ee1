// What this origin has stored, byte by byte, as code of the page can read it.

const encoder = new TextEncoder();

/** Every file of the private file system. */
async function files(folder, path = "") {
  const found = [];
  for await (const [name, entry] of folder.entries()) {
    const at = `${path}/${name}`;
    if (entry.kind === "directory") found.push({ path: `${at}/`, bytes: new Uint8Array() }, ...(await files(entry, at)));
    else found.push({ path: at, bytes: new Uint8Array(await (await entry.getFile()).arrayBuffer()) });
  }
  return found;
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Every record of every IndexedDB database. */
async function records() {
  const found = [];
  for (const { name } of await indexedDB.databases()) {
    const database = await done(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      const objects = database.transaction(store).objectStore(store);
      const [keys, values] = await Promise.all([done(objects.getAllKeys()), done(objects.getAll())]);
      keys.forEach((key, n) => found.push({ path: `${name}/${store}`, key, value: values[n] }));
    }
    database.close();
  }
  return found;
}

/** The bytes of a stored value; keys that can be read out are an error. */
function bytesOf(value) {
  if (value instanceof CryptoKey) {
    if (value.extractable) throw new Error("a key that can be read out");
    return [];
  }
  if (value instanceof ArrayBuffer) return [new Uint8Array(value)];
  if (ArrayBuffer.isView(value)) return [new Uint8Array(value.buffer, value.byteOffset, value.byteLength)];
  if (typeof value === "object" && value !== null) return Object.entries(value).flatMap(([name, part]) => [encoder.encode(name), ...bytesOf(part)]);
  return [encoder.encode(String(value))];
}

function has(bytes, needle) {
  for (let at = bytes.indexOf(needle[0]); at >= 0; at = bytes.indexOf(needle[0], at + 1)) {
    if (needle.every((byte, n) => bytes[at + n] === byte)) return true;
  }
  return false;
}

function toHex(bytes) {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What there is, by name, size and hash. */
export async function stored() {
  const marks = Object.keys(localStorage);
  const all = await files(await navigator.storage.getDirectory());
  const described = all.map(async ({ path, bytes }) => ({ path, size: bytes.length, hash: toHex(await crypto.subtle.digest("SHA-256", bytes)) }));
  return { files: await Promise.all(described), records: (await records()).length, marks: marks.length };
}

/** Bytes of a slot of the pool before the file's own; it begins with the file's name. */
const HEADER_BYTES = 4096;

/** How many bytes of journals there are among these files. */
function journalBytes(all) {
  const isJournal = ({ bytes }) => /^\/client\.db3-(journal|wal)\0/.test(new TextDecoder("latin1").decode(bytes.subarray(0, 64)));
  return all.filter(isJournal).reduce((sum, { bytes }) => sum + Math.max(0, bytes.length - HEADER_BYTES), 0);
}

/**
 * Looks until a transaction is under way, and then which of these is found in what lies on the disk at that moment; with how many
 * bytes of its journal there were.
 */
export async function foundDuringTransaction(needles) {
  for (;;) {
    // A file that is written while it is read is read again.
    const all = await files(await navigator.storage.getDirectory()).catch(() => []);
    const journal = journalBytes(all);
    if (journal > 0) return { journal, hits: hitsIn(all.map(({ path, bytes }) => ({ path, parts: [bytes] })), needles) };
  }
}

/** Which of these (by name: hex) is found, and where. */
export async function found(needles) {
  const pieces = (await files(await navigator.storage.getDirectory())).map(({ path, bytes }) => ({ path, parts: [encoder.encode(path), bytes] }));
  for (const { path, key, value } of await records()) pieces.push({ path, parts: [encoder.encode(path), ...bytesOf(key), ...bytesOf(value)] });
  for (const [key, value] of Object.entries(localStorage)) pieces.push({ path: "localStorage", parts: [encoder.encode(key), encoder.encode(value)] });
  return hitsIn(pieces, needles);
}

function hitsIn(pieces, needles) {
  const hits = [];
  for (const [name, hex] of Object.entries(needles)) {
    const needle = Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
    for (const { path, parts } of pieces) if (parts.some((bytes) => has(bytes, needle))) hits.push(`${name} in ${path}`);
  }
  return hits;
}

/** The key that is kept for the one database of this origin, as hex: what the package does when it opens it. */
export async function keptKey(name) {
  const [{ value }] = await records();
  const { wrapping, nonce, wrapped } = value.current;
  const additionalData = encoder.encode(JSON.stringify(["xmtp-web database key", location.origin, name]));
  const key = await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce, additionalData }, wrapping, wrapped);
  return toHex(key);
}

/** What is kept beside the key, as far as it is text. */
export async function kept() {
  return (await records()).map(({ value: { id, installationId, current, next } }) => ({ id, installationId, kind: current.kind, next: next?.kind }));
}

/** Loses what is kept of keys, or the files. */
export async function lose(what) {
  if (what === "keys") {
    const database = await done(indexedDB.open("xmtp-web-keys"));
    await done(database.transaction("xmtp-web-keys", "readwrite").objectStore("xmtp-web-keys").clear());
    database.close();
  } else await (await navigator.storage.getDirectory()).removeEntry(".xmtp-web", { recursive: true });
}
