// A page with the built package on a static host, for what runs in it.
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serveFolder } from "../../pkg-tests/serve.mjs";
import { wallet } from "../../pkg-tests/wallet.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** Resolves to { page(), close() }; each page knows `open`, `texts`, `createTestNetwork` and `xmtp`. */
export async function openPages() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  const site = await serveFolder(root);
  return {
    url: site.url,
    async page() {
      const context = await browser.newContext();
      const page = await context.newPage();
      const wallets = new Map();
      const requests = [];
      context.on("request", (request) => requests.push(request.url()));
      await page.exposeFunction("newAddress", () => {
        const made = wallet();
        wallets.set(made.address, made);
        return made.address;
      });
      await page.exposeFunction("signFor", (address, text) => wallets.get(address).sign(text));
      await page.goto(`${site.url}/tests/in-page/page.html`);
      await page.waitForFunction(() => window.ready);
      return { requests, run: (work, argument) => page.evaluate(work, argument), close: () => context.close() };
    },
    async close() {
      await browser.close();
      await site.close();
    },
  };
}
