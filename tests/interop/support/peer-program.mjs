// A released client, unmodified, in a process of its own. It reads one JSON line per command, { id, verb, args }, and
// writes one per answer, { id, value } or { id, error }, and one per thing heard on a stream, { event }.
// Arguments: the npm alias of the package.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import readline from "node:readline";
import { pathToFileURL } from "node:url";
import { takingBack } from "./content.mjs";
import { toPlain, fromPlain } from "./plain.mjs";
import { identifiers, sharedVerbs } from "./verbs.mjs";
import { wallet } from "./wallet.mjs";

const sdk = await import(process.argv[2]);
const write = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
let client;
const { verbs, find } = sharedVerbs(() => client, (event) => write({ event }), {
  sayLater: (group, text) => group.sendText(text, true),
});

/** These releases read archives from a file. */
async function withFile(hex, use) {
  const path = join(mkdtempSync(join(tmpdir(), "xmtp-archive-")), "archive");
  writeFileSync(path, Buffer.from(hex, "hex"));
  try {
    return await use(path);
  } finally {
    rmSync(dirname(path), { recursive: true });
  }
}

/** Every text that the wallet was asked to sign. */
const signed = [];
const signerOf = (secret) => {
  const own = wallet(secret);
  return {
    type: "EOA",
    getIdentifier: () => identifiers([own.address])[0],
    signMessage: (text) => {
      signed.push(text);
      return new Uint8Array(Buffer.from(own.sign(text), "hex"));
    },
  };
};

Object.assign(verbs, {
  async open({ secret, dbPath, url }) {
    const loggingLevel = process.env.XMTP_INTEROP_PEER_LOG ?? "Error";
    client = await sdk.Client.create(signerOf(secret), { env: "local", apiUrl: url, dbPath, loggingLevel });
    return { inboxId: client.inboxId, installationId: client.installationId, version: client.libxmtpVersion };
  },
  /** Sends by the typed helper; answers the id. */
  async sendTyped(id, kind, plain) {
    const group = await find(id);
    const value = fromPlain(plain);
    if (kind === "readReceipt") return group.sendReadReceipt();
    if (kind === "reply") return group.sendReply({ ...value, content: sdk.encodeText(value.content) });
    return group[`send${kind[0].toUpperCase()}${kind.slice(1)}`](value);
  },
  /** These releases have no call for it: the content is sent by hand. */
  async takeBack(id, message) {
    await (await find(id)).send(fromPlain(takingBack(message)), { shouldPush: false });
  },
  /** What a release of 6.1 has for groups of later clients: it first asks for their version, by a commit of its own. */
  async enableProposals(id) {
    const require = createRequire(import.meta.resolve(process.argv[2]));
    const { Conversations } = await import(pathToFileURL(require.resolve("@xmtp/node-bindings")));
    // The package keeps the object to itself; here it comes past.
    const { getConversationById } = Conversations.prototype;
    let found;
    Conversations.prototype.getConversationById = function (...args) {
      found = getConversationById.apply(this, args);
      return found;
    };
    await find(id);
    Conversations.prototype.getConversationById = getConversationById;
    await found.unstable.enableProposals({ force: true });
  },
  async createArchive(key) {
    const file = join(mkdtempSync(join(tmpdir(), "xmtp-archive-")), "archive");
    await client.createArchive(file, fromPlain({ hex: key }), { elements: ["Consent", "Messages"], excludeDisappearingMessages: false });
    const bytes = readFileSync(file);
    rmSync(dirname(file), { recursive: true });
    return bytes.toString("hex");
  },
  async importArchive(file, key) {
    await withFile(file, (path) => client.importArchive(path, fromPlain({ hex: key })));
  },
  async archiveMetadata(file, key) {
    const { elements, ...rest } = await withFile(file, (path) => client.archiveMetadata(path, fromPlain({ hex: key })));
    return { ...rest, elements: elements.map(String).sort() };
  },
  async signedTexts() {
    return signed;
  },
  async hmacKeys(id) {
    return (await find(id)).hmacKeys()[id];
  },
});

const lines = readline.createInterface({ input: process.stdin });
lines.on("line", async (line) => {
  const { id, verb, args } = JSON.parse(line);
  try {
    write({ id, value: toPlain(await verbs[verb](...args)) ?? null });
  } catch (error) {
    write({ id, error: { message: error?.message ?? String(error), code: error?.code } });
  }
});
// The runner is gone: so are we.
lines.on("close", () => process.exit(0));
write({ event: { stream: "started" } });
