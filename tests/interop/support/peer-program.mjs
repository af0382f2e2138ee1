// A released client, unmodified, in a process of its own. It reads one JSON line per command, { id, verb, args }, and
// writes one per answer, { id, value } or { id, error }, and one per thing heard on a stream, { event }.
// Arguments: the npm alias of the package.
import readline from "node:readline";
import { toPlain, fromPlain } from "./plain.mjs";
import { identifiers, sharedVerbs } from "./verbs.mjs";
import { wallet } from "./wallet.mjs";

const sdk = await import(process.argv[2]);
const write = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
let client;
const { verbs, find } = sharedVerbs(() => client, (event) => write({ event }));

const signerOf = (secret) => {
  const own = wallet(secret);
  return {
    type: "EOA",
    getIdentifier: () => identifiers([own.address])[0],
    signMessage: (text) => new Uint8Array(Buffer.from(own.sign(text), "hex")),
  };
};

/** Kind → how the package's typed helper is called. */
const HELPERS = {
  text: "Text", markdown: "Markdown", reaction: "Reaction", readReceipt: "ReadReceipt", reply: "Reply",
  attachment: "Attachment", remoteAttachment: "RemoteAttachment", multiRemoteAttachment: "MultiRemoteAttachment",
  transactionReference: "TransactionReference", walletSendCalls: "WalletSendCalls", actions: "Actions", intent: "Intent",
};

Object.assign(verbs, {
  async open({ secret, dbPath }) {
    client = await sdk.Client.create(signerOf(secret), { env: "local", dbPath });
    return { inboxId: client.inboxId, installationId: client.installationId, version: client.libxmtpVersion };
  },
  /** Sends by the typed helper; answers the id and, where the package has an encoder, what it encodes. */
  async sendTyped(id, kind, plain) {
    const group = await find(id);
    const name = HELPERS[kind];
    const value = fromPlain(plain);
    if (kind === "readReceipt") return { id: await group.sendReadReceipt(), encoded: sdk.encodeReadReceipt({}) };
    if (kind === "reply") return { id: await group.sendReply({ ...value, content: sdk.encodeText(value.content) }) };
    return { id: await group[`send${name}`](value), encoded: sdk[`encode${name}`](value) };
  },
  async lastReadTimes(id) {
    return (await find(id)).lastReadTimes();
  },
  async epoch(id) {
    return (await (await find(id)).debugInfo()).epoch;
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
