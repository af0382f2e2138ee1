// The scenarios of docs/BENCHMARKS.md in headless Chromium, through the built package, with encryption on. Medians after
// a warm-up; beside each what the incumbent took on such a machine, for orientation.
import { startDevnode } from "../../scripts/devnode.mjs";
import { openBrowser, servePackage } from "../../tests/interop/support/ours.mjs";
import { wallet } from "../../tests/interop/support/wallet.mjs";
import { scenarios } from "./scenarios.mjs";

/** `@xmtp/browser-sdk` 7.1.0 in headless Chromium on two cores: milliseconds, and how much faster we want to be. */
const INCUMBENT = {
  "backlog of 1,000 messages, per message": [8.3, 20],
  "first sync of 50 conversations with 50 messages each": [22_000, 20],
  "send a message": [30, 5],
  "from sending to the other's stream": [25, 2],
  "list 200 conversations": [364, 20],
};

const node = await startDevnode(["--grpc-port", "0", "--grpc-web-port", "0", "--memory"]);
const host = await servePackage();
const browser = await openBrowser();

/** A person in a storage of their own; `ask` runs a function of theirs in the page. */
async function person() {
  const own = wallet();
  const context = await browser.newContext();
  await context.exposeFunction("signText", (text) => own.sign(text));
  const page = await context.newPage();
  await page.goto(host.url);
  await page.evaluate(
    async ([address, apiUrl]) => {
      const { Client, createEOASigner } = await import("/index.js");
      const signer = createEOASigner(address, (text) => window.signText(text));
      const dbEncryptionKey = crypto.getRandomValues(new Uint8Array(32));
      window.client = await Client.create(signer, { env: "local", apiUrl, dbEncryptionKey });
      /** Milliseconds that something takes. */
      window.timed = async (work) => {
        const from = performance.now();
        await work();
        return performance.now() - from;
      };
    },
    [own.address, node.url],
  );
  const ask = (work, argument) => page.evaluate(work, argument);
  return { ask, inboxId: await ask(() => window.client.inboxId), close: () => context.close() };
}

try {
  console.log(`Chromium ${browser.version()}, database encrypted\n`);
  console.log("| scenario | ours | incumbent | faster by | wanted |\n|---|---|---|---|---|");
  for (const { name, run } of scenarios) {
    const ms = await run(person);
    const [theirs, wanted] = INCUMBENT[name];
    console.log(`| ${name} | ${ms.toFixed(2)} ms | ${theirs} ms | ${(theirs / ms).toFixed(1)} | ${wanted} |`);
  }
} finally {
  await browser.close();
  await host.close();
  await node.stop();
}
