// Our side, as an app uses it: the built package in a plain page. The runner calls `window.person(verb, args)`;
// `window.signText` and `window.heard` are the runner's.
import { Client, createEOASigner } from "../../index.js";
import { toPlain } from "../plain.mjs";
import { identifiers, sharedVerbs } from "../verbs.mjs";

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
  /** Asks of all members of a group the version that this package has. */
  async requireVersion(id) {
    await (await find(id)).setMinimumSupportedProtocolVersion();
  },
  async takeBack(id, message) {
    await (await find(id)).deleteMessage(message);
  },
  /** Every message with its content still encoded, by id. */
  async encoded(id) {
    return (await (await find(id)).messages()).map((found) => ({
      id: found.id, content: found.content, contentType: found.contentType, fallback: found.fallback, encoded: found.encodedContent,
    }));
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
