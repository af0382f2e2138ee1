// The scenarios of docs/BENCHMARKS.md in headless Chromium, through the built package, with encryption on. Medians after
// a warm-up; beside each what the incumbent takes: in the same run if it is there, else what it took on another machine,
// for orientation.
//
//   node benches/web/run.mjs [part of a scenario's name]
//   XMTP_INCUMBENT=folder    where somebody ran `npm install @xmtp/browser-sdk@7.1.0`
import { startDevnode } from "../../scripts/devnode.mjs";
import { openBrowser, servePackage } from "../../tests/interop/support/ours.mjs";
import { wallet } from "../../tests/interop/support/wallet.mjs";
import { serveIncumbent } from "./incumbent.mjs";
import { scenarios } from "./scenarios.mjs";

/** `@xmtp/browser-sdk` 7.1.0 in headless Chromium on two idle cores: milliseconds, and how much faster we want to be. */
const INCUMBENT = {
  "backlog of 1,000 messages, per message": [8.3, 20],
  "first sync of 50 conversations with 50 messages each": [22_000, 20],
  "send a message": [30, 5],
  "send a message while a stream lives": [30, 5],
  "from sending to the other's stream": [25, 2],
  "list 200 conversations": [364, 20],
};

const only = process.argv[2];
const folder = process.env.XMTP_INCUMBENT;

const node = await startDevnode(["--grpc-port", "0", "--grpc-web-port", "0", "--memory"]);
const host = await servePackage();
const theirHost = folder && (await serveIncumbent(folder));
const browser = await openBrowser();

let people = 0;

/** A way to open people's clients, by one package. */
function opener(port, module) {
  /** A person at an origin of their own, and so in a storage of their own; `ask` runs a function of theirs in the page. */
  return async () => {
    const own = wallet();
    const page = await browser.newPage();
    page.on("pageerror", (error) => console.error(error));
    // What a page can call belongs to all pages of the browser: each person has a name there.
    const signText = `signText${++people}`;
    await page.exposeFunction(signText, (text) => own.sign(text));
    await page.goto(`http://bench-${people}.localhost:${port}/`);
    await page.evaluate(
      async ([path, address, apiUrl, signText]) => {
        const { Client } = await import(path);
        const bytes = (hex) => Uint8Array.from(hex.replace(/^0x/, "").match(/../g), (byte) => parseInt(byte, 16));
        const signer = {
          type: "EOA",
          getIdentifier: () => ({ identifier: address.toLowerCase(), identifierKind: 0 }),
          signMessage: async (text) => {
            const signature = await window[signText](text);
            return typeof signature === "string" ? bytes(signature) : Uint8Array.from(Object.values(signature));
          },
        };
        const dbEncryptionKey = crypto.getRandomValues(new Uint8Array(32));
        window.client = await Client.create(signer, { env: "local", apiUrl, dbEncryptionKey, disableDeviceSync: true });
        /** Milliseconds that something takes. */
        window.timed = async (work) => {
          const from = performance.now();
          await work();
          return performance.now() - from;
        };
      },
      [module, own.address, node.url, signText],
    );
    const ask = (work, argument) => page.evaluate(work, argument);
    return { ask, inboxId: await ask(() => window.client.inboxId), close: () => page.close() };
  };
}

const ours = opener(host.port, "/index.js");
const theirs = theirHost && opener(theirHost.port, "/@xmtp/browser-sdk/index.js");

/** What a scenario takes; one that fails says why and does not keep the others from being measured. */
async function measured(name, run, person) {
  try {
    return await run(person);
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    return Number.NaN;
  }
}

try {
  const page = await browser.newPage();
  const [version] = /Chrome\/[\d.]+/.exec(await page.evaluate(() => navigator.userAgent)) ?? ["a browser"];
  await page.close();
  console.log(`${version}, database encrypted; the incumbent ${theirs ? "in the same run" : "on another machine"}\n`);
  console.log("| scenario | ours | incumbent | faster by | wanted |\n|---|---|---|---|---|");
  for (const { name, run } of scenarios.filter(({ name }) => !only || name.includes(only))) {
    const [elsewhere, wanted] = INCUMBENT[name];
    const ms = await measured(name, run, ours);
    const their = theirs ? await measured(name, run, theirs) : elsewhere;
    console.log(`| ${name} | ${ms.toFixed(2)} ms | ${their.toFixed(2)} ms | ${(their / ms).toFixed(1)} | ${wanted} |`);
  }
} finally {
  await browser.close();
  await host.close();
  await theirHost?.close();
  await node.stop();
}
