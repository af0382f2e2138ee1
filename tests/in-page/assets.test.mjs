// The package's files where an app has put them: another folder, another name, or in the app's own hands.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { openPages } from "./support.mjs";

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const MOVED = ".cache/in-page/moved";

describe("files that an app has moved", { timeout: 180_000 }, () => {
  let pages, node, apiUrl;

  before(async () => {
    await rm(at(MOVED), { recursive: true, force: true });
    await mkdir(at(`${MOVED}/assets`), { recursive: true });
    await cp(at("pkg"), at(`${MOVED}/scripts`), { recursive: true, filter: (path) => !path.endsWith(".wasm") });
    await cp(at("pkg/xmtp_web_bg.wasm"), at(`${MOVED}/assets/chat-1a2b.wasm`));
    node = spawn(process.execPath, [at("pkg-devnode/xmtp-devnode.js"), "--grpc-port", "0", "--grpc-web-port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(createInterface(node.stdout), "line");
    apiUrl = /grpc-web=(http:\S+)$/.exec(line)?.[1];
    assert.ok(apiUrl, line);
    pages = await openPages();
  });
  after(async () => {
    await pages?.close();
    if (node?.exitCode === null) {
      node.kill();
      await once(node, "close");
    }
    await rm(at(MOVED), { recursive: true, force: true });
  });

  for (const [form, where] of Object.entries({
    "an address": "by address", "the bytes of the module": "as bytes", "a part of more bytes": "as a part", "the compiled module": "compiled",
  })) {
    it(`are used: a worker of another folder, and ${form}`, async () => {
      const page = await pages.page();
      try {
        const heard = await page.run(async ([apiUrl, moved, where]) => {
          const address = `${moved}/assets/chat-1a2b.wasm`;
          const fetched = where === "by address" ? undefined : new Uint8Array(await (await fetch(address)).arrayBuffer());
          const larger = new Uint8Array((fetched?.length ?? 0) + 20);
          if (fetched !== undefined) larger.set(fetched, 10);
          const wasmUrl = {
            "by address": () => address, "as bytes": () => fetched, "as a part": () => larger.subarray(10, larger.length - 10),
            "compiled": () => WebAssembly.compile(fetched),
          };
          const options = { env: "local", apiUrl, dbPath: null, workerUrl: `${moved}/scripts/worker.js`, wasmUrl: await wasmUrl[where]() };
          const [alice, bob] = await Promise.all([window.open(options), window.open(options)]);
          const next = window.texts(await bob.conversations.streamAllMessages());
          const group = await alice.conversations.createGroup([bob.inboxId]);
          await group.sendText("hello");
          const { content } = await next();
          // What needs no client finds the files too, by itself and in a worker of its own.
          const encoded = await window.xmtp.encodeText(content);
          const { env, workerUrl } = options;
          const reached = await window.xmtp.Client.canMessage([alice.accountIdentifier], { env, apiUrl, workerUrl, wasmUrl: options.wasmUrl });
          await Promise.all([alice.close(), bob.close()]);
          return [new TextDecoder().decode(encoded.content), ...reached.values()];
        }, [apiUrl, `../../${MOVED}`, where]);
        assert.deepEqual(heard, ["hello", true]);
        const files = page.requests.map((url) => new URL(url).pathname).filter((path) => /worker\.js$|\.wasm$/.test(path));
        assert.ok(files.length > 0 && files.every((path) => path.startsWith(`/${MOVED}/`)), files.join(" "));
        const loaded = files.filter((path) => path.endsWith(".wasm")).length;
        assert.ok(where === "by address" ? loaded >= 1 : loaded === 1, `the module was fetched ${loaded} times`);
      } finally {
        await page.close();
      }
    });
  }
});
