// The package on a server, where pages are rendered and no client can be: Node.js has no `Worker` of the web.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import * as api from "../../pkg/index.js";

const ADDRESS = `0x${"ab".repeat(20)}`;
const identifier = api.ethereumIdentifier(ADDRESS);
const signer = api.createEOASigner(ADDRESS, () => new Uint8Array(65));
const noWorker = (error) => error instanceof api.XmtpError && error.code === "client.no_worker" && !error.retryable;

describe("on a server", () => {
  it("importing starts nothing that keeps the process alive", () => {
    for (const [entry, name] of [["index.js", "Client"], ["testing/index.js", "createTestNetwork"]]) {
      const file = fileURLToPath(new URL(`../../pkg/${entry}`, import.meta.url));
      const script = `const api = await import(${JSON.stringify(file)}); console.log(typeof api.${name});`;
      const options = { encoding: "utf8", timeout: 30_000 };
      assert.equal(execFileSync(process.execPath, ["--input-type=module", "-e", script], options).trim(), "function");
    }
  });

  it("everything that needs the worker is rejected, never thrown, and says why", async () => {
    const remote = { url: "https://example.org", contentDigest: "", secret: new Uint8Array(), salt: new Uint8Array(), nonce: new Uint8Array(), scheme: "https://" };
    const calls = {
      create: () => api.Client.create(signer),
      build: () => api.Client.build(identifier),
      canMessage: () => api.Client.canMessage([identifier]),
      fetchInboxStates: () => api.Client.fetchInboxStates(["ab".repeat(32)]),
      getInboxIdForIdentifier: () => api.getInboxIdForIdentifier("dev", identifier),
      encodeText: () => api.encodeText("hello"),
      encryptAttachment: () => api.encryptAttachment({ mimeType: "text/plain", content: new Uint8Array() }),
      decryptAttachment: () => api.decryptAttachment(new Uint8Array(), remote),
    };
    for (const [name, call] of Object.entries(calls)) {
      let answer;
      assert.doesNotThrow(() => (answer = call()), name);
      await assert.rejects(answer, noWorker, name);
    }
  });

  it("importing the network for tests and the hooks for React does nothing, and a network cannot be opened", async () => {
    const hooks = await import("../../pkg/react/index.js");
    assert.equal(typeof hooks.useClient, "function");
    const { createTestNetwork } = await import("../../pkg/testing/index.js");
    let answer;
    assert.doesNotThrow(() => (answer = createTestNetwork()));
    await assert.rejects(answer, noWorker);
  });

  it("what needs no worker works", async () => {
    assert.equal((await api.generateInboxId(identifier)).length, 64);
    assert.equal((await api.contentTypeText()).typeId, "text");
    assert.equal(await api.metadataFieldName(api.MetadataField.GroupName), "group_name");
  });

  it("a relative wasmUrl is refused, since there is no page it could be relative to", async () => {
    await assert.rejects(api.Client.build(identifier, { wasmUrl: "/xmtp.wasm" }), (error) => error.code === "argument.invalid");
  });
});

describe("a worker that the browser refuses", () => {
  it("is told with the browser's reason", async (test) => {
    const refuse = class {
      constructor() {
        throw new DOMException("the worker is of another origin", "SecurityError");
      }
    };
    globalThis.Worker = refuse;
    test.after(() => delete globalThis.Worker);
    const opened = api.Client.build(identifier, { workerUrl: "https://elsewhere.example/worker.js" });
    await assert.rejects(opened, (error) => noWorker(error) && error.message.includes("another origin") && error.cause instanceof DOMException);
  });

  it("since the page has no access to storage is told as that, unless the database is in memory", async (test) => {
    globalThis.Worker = class {
      constructor(url) {
        throw new DOMException(`${url} cannot be accessed from origin "null"`, "SecurityError");
      }
    };
    test.after(() => {
      delete globalThis.Worker;
      delete globalThis.origin;
    });
    for (const [origin, workerUrl] of [["null", undefined], ["null", "https://app.example/worker.js"], ["https://app.example", "https://app.example/worker.js"]]) {
      globalThis.origin = origin;
      const refused = (code) => (error) =>
        error instanceof api.XmtpError && error.code === code && !error.retryable && error.details.reason === "refused" && error.message.includes("Blob");
      await assert.rejects(api.Client.build(identifier, { workerUrl }), refused("storage.unavailable"), origin);
      await assert.rejects(api.Client.build(identifier, { workerUrl, storage: "memory" }), refused("client.no_worker"), origin);
    }
    globalThis.origin = "https://app.example";
    await assert.rejects(api.Client.build(identifier, { workerUrl: "https://elsewhere.example/worker.js" }), noWorker);
  });
});
