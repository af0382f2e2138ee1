// Our side, as an app uses it: the built package in a plain page. The runner calls `window.person(verb, args)`;
// `window.signText` and `window.heard` are the runner's.
import * as sdk from "../../index.js";
import { fromPlain, toPlain } from "../plain.mjs";
import { identifiers, sharedVerbs } from "../verbs.mjs";

const { Client, createEOASigner } = sdk;
let client;
const { verbs, find } = sharedVerbs(() => client, (event) => window.heard(event), {
  sayLater: (group, text) => group.sendText(text, { optimistic: true }),
});

Object.assign(verbs, {
  async open({ address, nodeUrl, known }) {
    const options = { env: "local", apiUrl: nodeUrl };
    client = known
      ? await Client.build(identifiers([address])[0], options)
      : await Client.create(createEOASigner(address, (text) => window.signText(text)), options);
    return { inboxId: client.inboxId, installationId: client.installationId, version: client.libxmtpVersion };
  },
  async close() {
    await client.close();
  },
  /** Sends by the typed helper. */
  async sendTyped(id, kind, plain) {
    const group = await find(id);
    const value = fromPlain(plain);
    if (kind === "readReceipt") return group.sendReadReceipt();
    if (kind === "reply") return group.sendReply({ ...value, content: await sdk.encodeText(value.content) });
    return group[`send${kind[0].toUpperCase()}${kind.slice(1)}`](value);
  },
  /** Asks of all members of a group the version that this package has. */
  async requireVersion(id) {
    await (await find(id)).setMinimumSupportedProtocolVersion();
  },
  async createArchive(key) {
    return toPlain(await client.createArchive(fromPlain({ hex: key }))).hex;
  },
  async importArchive(file, key) {
    await client.importArchive(fromPlain({ hex: file }), fromPlain({ hex: key }));
  },
  async archiveMetadata(file, key) {
    const { elements, ...rest } = await client.archiveMetadata(fromPlain({ hex: file }), fromPlain({ hex: key }));
    return { ...rest, elements: elements.map((element) => sdk.BackupElementSelectionOption[element]).sort() };
  },
  async takeBack(id, message) {
    await (await find(id)).removeMessage(message);
  },
});

window.person = async (verb, args) => {
  try {
    return { value: toPlain(await verbs[verb](...args)) ?? null };
  } catch (error) {
    return { error: { message: error?.message ?? String(error), code: error?.code, details: toPlain(error?.details) } };
  }
};
window.ready = true;
