// What the tests do in a tab. `?build=newer` takes a package that believes to be of a later release, `?without=opfs` a
// worker that has no private file system, `?worker=blob` one that is made as a page in a sandbox has to.
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import * as storage from "./storage.js";

// So that a test can end them as a browser would.
window.workers = [];
window.Worker = class extends Worker {
  constructor(...args) {
    super(...args);
    window.workers.push(this);
  }
};

const query = new URLSearchParams(location.search);
const build = query.get("build") === "newer" ? "/newer" : "/pkg";
const blobWorker = () => {
  const text = `import(${JSON.stringify(new URL("/pkg/worker.js", location.href).href)});`;
  return new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
};
const places = { "?without=opfs": { workerUrl: "/without-opfs.js" }, "?worker=blob": { workerUrl: blobWorker } };
const place = places[location.search] ?? {};
const api = await import(`${build}/index.js`);

function signerOf(privateKey) {
  const key = hexToBytes(privateKey);
  const address = `0x${bytesToHex(keccak_256(secp256k1.getPublicKey(key, false).slice(1)).slice(-20))}`;
  return api.createEOASigner(address, (text) => {
    const message = new TextEncoder().encode(text);
    const prefix = new TextEncoder().encode(`\x19Ethereum Signed Message:\n${message.length}`);
    const hash = keccak_256(new Uint8Array([...prefix, ...message]));
    const [recovery, ...rs] = secp256k1.sign(hash, key, { prehash: false, format: "recovered" });
    return Uint8Array.from([...rs, recovery + 27]);
  });
}

/** As a wallet that shows the text until somebody presses `window.press`. */
function holding(signer) {
  const signMessage = async (text) => {
    await new Promise((resolve) => (window.press = resolve));
    return signer.signMessage(text);
  };
  return { ...signer, signMessage };
}

let client;
const seen = [];
const streamErrors = [];
let restarts = 0;
const textOf = (message) => (api.isText(message) ? message.content : undefined);

/** Errors cross to the test as their codes. */
const coded = (call) => async (...args) => {
  try {
    return { ok: await call(...args) };
  } catch (error) {
    return { code: error.code ?? "none", message: String(error.message), details: error.details };
  }
};

window.tab = {
  ...storage,
  open: coded(async (privateKey, node, options = {}) => {
    // A key crosses from the test as the byte it is made of.
    const { key, holds, ...rest } = options;
    const keyed = key === undefined ? {} : { dbEncryptionKey: new Uint8Array(32).fill(key) };
    const signer = signerOf(privateKey);
    client = await api.Client.create(holds ? holding(signer) : signer, { env: "local", apiUrl: node, ...place, ...keyed, ...rest });
    return { inboxId: client.inboxId, installationId: client.installationId, address: client.accountIdentifier.identifier };
  }),
  /** Without the key that signs. */
  build: coded(async (privateKey, node, options = {}) => {
    const identifier = await signerOf(privateKey).getIdentifier();
    client = await api.Client.build(identifier, { env: "local", apiUrl: node, ...options });
    return { inboxId: client.inboxId, installationId: client.installationId, isRegistered: await client.isRegistered() };
  }),
  /** Notes the text of each message that arrives from now on. */
  watch: coded(async (options = {}) => {
    await client.conversations.streamAllMessages({
      ...options,
      onValue: (message) => textOf(message) !== undefined && seen.push(textOf(message)),
      onError: (error) => streamErrors.push(error.code),
      onRestart: () => (restarts += 1),
    });
  }),
  seen: () => seen,
  streamErrors: () => streamErrors,
  restarts: () => restarts,
  role: () => client.tabRole,
  createGroup: coded(async (addresses, name) => {
    const identifiers = addresses.map(api.ethereumIdentifier);
    return (await client.conversations.createGroupWithIdentifiers(identifiers, { groupName: name })).id;
  }),
  sync: coded(() => client.conversations.syncAll()),
  send: coded(async (groupId, text) => {
    const group = await client.conversations.getConversationById(groupId);
    return group.sendText(text);
  }),
  /** Sends so many messages, up to four at a time, and answers what became of each. */
  sendMany: async (groupId, name, count) => {
    const outcomes = [];
    let next = 0;
    const one = async () => {
      while (next < count) {
        const text = `${name} ${next++}`;
        const outcome = await window.tab.send(groupId, text);
        outcomes.push({ text, ...outcome });
        // For a test that has this page die.
        if ("ok" in outcome) void window.acknowledged?.(text);
        window.sent = outcomes.length;
      }
    };
    await Promise.all([one(), one(), one(), one()]);
    return outcomes;
  },
  /** The texts of the local list, oldest first. */
  list: coded(async (groupId) => {
    const group = await client.conversations.getConversationById(groupId);
    await group.sync();
    return (await group.messages()).map(textOf).filter((text) => text !== undefined);
  }),
  rename: coded(async (groupId, name) => {
    const group = await client.conversations.getConversationById(groupId);
    await group.updateName(name);
  }),
  close: coded(() => client.close()),
  rekey: coded((byte) => client.rekey(byte === undefined ? {} : { dbEncryptionKey: new Uint8Array(32).fill(byte) })),
  diagnostics: coded(() => client.diagnostics()),
  /** In a later release this raises the number of the stored schema. */
  identityKey: coded(async () => (await client.preferences.identityKey()).length),
  storageInfo: coded(() => client.storageInfo()),
  deleteDatabase: coded(() => client.deleteLocalDatabase()),
  deleteClosedDatabase: coded(async (privateKey, node, options = {}) => {
    const identifier = await signerOf(privateKey).getIdentifier();
    await api.Client.deleteLocalDatabase(identifier, { env: "local", apiUrl: node, ...options });
  }),
};
