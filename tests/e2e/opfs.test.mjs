// The tools for database files, in the private file system of a real browser.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { serveFolder } from "../../pkg-tests/serve.mjs";
import { wallet } from "../../pkg-tests/wallet.mjs";
import { startDevnode } from "../../scripts/devnode.mjs";

const PATIENCE = Number(process.env.XMTP_E2E_PATIENCE ?? 60_000);

let node, server, browser, page;

before(async () => {
  server = await serveFolder(fileURLToPath(new URL("../../pkg", import.meta.url)).replace(/\/$/, ""));
  node = await startDevnode(["--memory", "--grpc-port", "0", "--grpc-web-port", "0"]);
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  const people = new Map();
  await page.exposeFunction("addressOf", (name) => people.set(name, people.get(name) ?? wallet()).get(name).address);
  await page.exposeFunction("signFor", (name, text) => people.get(name).sign(text));
  // Nothing but an origin: the test imports the package itself.
  await page.route(`${server.url}/`, (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html><title>Files</title>" }));
  await page.goto(`${server.url}/`);
  await page.evaluate(async (apiUrl) => {
    const api = await import("/index.js");
    const code = (promise) => promise.then(() => "fine", (error) => error.code ?? String(error));
    const open = async (name, options) =>
      api.Client.create(api.createEOASigner(await window.addressOf(name), (text) => window.signFor(name, text)), { env: "local", apiUrl, ...options });
    Object.assign(window, { api, code, open });
  }, node.url);
});

after(async () => {
  await browser?.close();
  await node?.stop();
  await server?.close();
});

describe("Opfs", () => {
  it("copies a closed database, deletes it, and puts it back with all that is in it", async () => {
    const found = await page.evaluate(async () => {
      const { api, code, open } = window;
      const options = { dbPath: "diary.db3", dbEncryptionKey: new Uint8Array(32).fill(7) };
      const opfs = await api.Opfs.create();
      const result = { before: [await opfs.fileCount(), await opfs.fileExists("diary.db3")] };
      const client = await open("alice", options);
      const group = await client.conversations.createGroup([], { groupName: "Diary" });
      await group.sendText("dear diary");
      result.whileOpen = [await opfs.fileExists("diary.db3"), await code(opfs.exportDb("diary.db3")), await code(opfs.deleteFile("diary.db3"))];
      await client.close();
      const copy = await opfs.exportDb("diary.db3");
      const text = new TextDecoder("latin1").decode(copy);
      result.copy = [copy.length > 0, copy.length % 512, text.includes("dear diary"), text.startsWith("SQLite")];
      result.listed = [(await opfs.listFiles()).length, (await opfs.poolCapacity()) > 0];
      const [listed] = await opfs.listFiles();
      result.named = [listed.includes("diary"), await opfs.fileExists(listed)];
      result.refused = [await code(opfs.importDb("diary.db3", copy)), await code(opfs.importDb("other.db3", new Uint8Array(100)))];
      result.deleted = [await opfs.deleteFile("diary.db3"), await opfs.deleteFile("diary.db3"), await opfs.fileCount()];
      result.gone = await code(opfs.exportDb("diary.db3"));
      await opfs.importDb("diary.db3", copy);
      const again = await open("alice", options);
      const [back] = await again.conversations.list();
      result.back = [again.installationId === client.installationId, back.name, (await back.messages()).some(({ content }) => content === "dear diary")];
      await again.close();
      result.otherKey = await code(open("alice", { ...options, dbEncryptionKey: new Uint8Array(32) }));
      opfs.close();
      result.closed = await code(opfs.listFiles());
      return result;
    });
    assert.deepEqual(found, {
      before: [0, false],
      whileOpen: [true, "storage.locked_by_other_tab", "storage.locked_by_other_tab"],
      copy: [true, 0, false, false],
      listed: [1, true],
      named: [false, true],
      refused: ["argument.invalid", "argument.invalid"],
      deleted: [true, false, 0],
      gone: "argument.invalid",
      back: [true, "Diary", true],
      otherKey: "storage.wrong_key",
      closed: "client.closed",
    });
  });

  it("clears all, after which an account begins anew", async () => {
    const found = await page.evaluate(async () => {
      const { api, code, open } = window;
      const opfs = await api.Opfs.create();
      const client = await open("bob");
      const openOnes = await code(opfs.clearAll());
      await client.close();
      await opfs.clearAll();
      const count = await opfs.fileCount();
      const again = await open("bob");
      const isNew = again.installationId !== client.installationId;
      await again.close();
      // The files are gone, and what is kept of them is not.
      await (await navigator.storage.getDirectory()).removeEntry(".xmtp-web", { recursive: true });
      const evicted = await code(open("bob"));
      await opfs.clearAll();
      const third = await open("bob");
      await third.close();
      await opfs.clearAll();
      opfs.close();
      return { openOnes, count, isNew, evicted };
    });
    assert.deepEqual(found, { openOnes: "storage.locked_by_other_tab", count: 0, isNew: true, evicted: "storage.evicted" });
  });

  it("lets no path out of its place", async () => {
    const found = await page.evaluate(async () => {
      const { api, code } = window;
      const opfs = await api.Opfs.create();
      const paths = ["../diary.db3", "/", ".", "..", "a/b", "", 7, null];
      const answers = [];
      for (const path of paths) answers.push(await opfs.fileExists(path).catch(({ code }) => code), await code(opfs.deleteFile(path)));
      const logs = await code(api.Opfs.create(true));
      opfs.close();
      return { answers, logs };
    });
    assert.deepEqual(found.logs, "argument.unsupported");
    assert.deepEqual(found.answers, [
      ...Array.from({ length: 5 }, () => [false, "fine"]).flat(),
      ...Array.from({ length: 3 }, () => ["argument.invalid", "argument.invalid"]).flat(),
    ]);
  });
});
