// What the page side decides by itself, on the built package: no worker, no node.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { describe, it } from "node:test";
import * as api from "../../pkg/index.js";
import { toPlainError } from "../../pkg/errors.js";
import { PACKAGE_VERSION } from "../../pkg/version.js";
import { watchNetwork } from "../../pkg/network.js";
import { resolveOptions } from "../../pkg/options.js";

const ADDRESS = `0x${"aB".repeat(20)}`;
const code = (expected) => (error) => error instanceof api.XmtpError && error.code === expected;

describe("options", () => {
  it("have the defaults of the package this one follows", () => {
    const options = resolveOptions();
    assert.equal(options.env, "dev");
    assert.equal(options.apiUrl, "https://api.dev.xmtp.network:5558");
    assert.equal(options.nonce, 1n);
    assert.equal(options.dbPath, undefined);
    assert.equal(resolveOptions({ env: "local" }).apiUrl, "http://localhost:5557");
    assert.equal(resolveOptions({ dbPath: null }).dbPath, null);
    assert.equal(resolveOptions({ storage: "memory" }).dbPath, null);
    assert.equal(resolveOptions({ storage: "opfs" }).dbPath, undefined);
  });

  it("are refused when they cannot be honoured, and never ignored", () => {
    for (const options of [{ gatewayHost: "x" }, { workerConfig: {} }, { env: "mainnet" }, { env: "toString" }, { storage: "disk" }]) {
      assert.throws(() => resolveOptions(options), code("argument.unsupported"), JSON.stringify(options));
    }
    const wrong = [
      { apiUrl: "localhost:5557" },
      { nonce: 1 },
      { nonce: -1n },
      { nonce: 1n << 64n },
      { dbEncryptionKey: new Uint8Array(16) },
      { dbEncryptionKey: "secret" },
      { dbPath: "" },
      { storage: "memory", dbPath: "work.db3" },
      { storage: "opfs", dbPath: null },
      { disableAutoRegister: "yes" },
      { codecs: {} },
      { codecs: [{ contentType: { authorityId: "example.org", typeId: "poke" } }] },
    ];
    for (const options of wrong) assert.throws(() => resolveOptions(options), code("argument.invalid"));
  });

  it("take the module by its address, as bytes or compiled, and nothing else", () => {
    assert.equal(resolveOptions({ wasmUrl: "https://cdn.example/chat.wasm" }).wasmUrl, "https://cdn.example/chat.wasm");
    assert.equal(resolveOptions({ wasmUrl: new URL("https://cdn.example/chat.wasm") }).wasmUrl, "https://cdn.example/chat.wasm");
    const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    const module = new WebAssembly.Module(empty);
    assert.equal(resolveOptions({ wasmUrl: module }).wasmUrl, module);
    assert.equal(resolveOptions({ wasmUrl: empty }).wasmUrl, empty);
    // Neither what lies around it nor shared memory is sent along.
    for (const bytes of [new Uint8Array([9, ...empty, 9]).subarray(1, 9), new Uint8Array(new SharedArrayBuffer(8))]) {
      const { wasmUrl } = resolveOptions({ wasmUrl: bytes });
      assert.deepEqual([[...wasmUrl], wasmUrl.buffer.constructor, wasmUrl.buffer.byteLength], [[...bytes], ArrayBuffer, 8]);
    }
    for (const wasmUrl of ["chat.wasm", new Uint8Array(), {}, 7, null]) {
      assert.throws(() => resolveOptions({ wasmUrl }), code("argument.invalid"), String(wasmUrl));
    }
  });

  it("that are undefined count as not given", () => {
    assert.equal(resolveOptions({ gatewayHost: undefined, env: undefined }).env, "dev");
  });
});

describe("identifiers and signers", () => {
  it("write addresses in lower case", () => {
    assert.deepEqual(api.ethereumIdentifier(ADDRESS), {
      identifier: ADDRESS.toLowerCase(),
      identifierKind: api.IdentifierKind.Ethereum,
    });
  });

  it("refuse what is no address", () => {
    for (const text of ["", "0x", "0x12", ADDRESS.slice(2), `${ADDRESS}0`, `0x${"g".repeat(40)}`]) {
      assert.throws(() => api.ethereumIdentifier(text), code("identity.invalid_address"), text);
    }
  });

  it("take a signature as bytes or as hex", async () => {
    const bytes = Uint8Array.from({ length: 65 }, (_, index) => index);
    const hex = `0x${Buffer.from(bytes).toString("hex")}`;
    assert.deepEqual(await api.createEOASigner(ADDRESS, () => bytes).signMessage("x"), bytes);
    assert.deepEqual(await api.createEOASigner(ADDRESS, async () => hex).signMessage("x"), bytes);
    await assert.rejects(api.createEOASigner(ADDRESS, () => "0xzz").signMessage("x"), code("argument.invalid"));
  });

  it("that throw become identity.signer_refused before anything is started", async () => {
    const signer = {
      type: "EOA",
      getIdentifier() {
        throw new Error("no");
      },
    };
    await assert.rejects(api.Client.create(signer), code("identity.signer_refused"));
  });

  it("refuse an identifier kind that is a string", async () => {
    await assert.rejects(
      api.Client.build({ identifier: ADDRESS, identifierKind: "Ethereum" }),
      code("argument.invalid"),
    );
  });
});

describe("errors", () => {
  it("keep code, retryable and details on the way from the worker to the page", () => {
    const error = new api.XmtpError("network.timeout", "too slow", { retryable: true, details: { ms: 5 } });
    const back = api.XmtpError.fromPlain(structuredClone(toPlainError(error)));
    assert.deepEqual(
      [back.code, back.message, back.retryable, back.details, back instanceof Error],
      ["network.timeout", "too slow", true, { ms: 5 }, true],
    );
  });

  it("that nobody typed are defects", () => {
    assert.equal(toPlainError(new TypeError("x is undefined")).code, "internal");
    assert.equal(toPlainError("text").code, "internal");
  });

  it("have details that can be cloned", () => {
    assert.equal(typeof toPlainError({ code: "internal", message: "", details: () => 1 }).details, "string");
  });
});

/** A message as the worker sends it. */
const snapshot = (body, more = {}) => ({
  id: "a", conversationId: "b", senderInboxId: "c", senderInstallationId: "d", sentAtNs: 1_000_000n, insertedAtNs: 2n,
  kind: 0, deliveryStatus: 1, contentType: undefined, fallback: undefined, expiresAtNs: undefined, numReplies: 0n,
  body, reactions: [], inReplyTo: undefined, ...more,
});

describe("messages", () => {
  const type = { authorityId: "example.org", typeId: "poke", versionMajor: 1, versionMinor: 0 };
  const poke = { type: "custom", content: { type, parameters: {}, content: Uint8Array.of(7) } };
  const codec = {
    contentType: type,
    encode: (content) => ({ type, parameters: {}, content: Uint8Array.of(content.strength) }),
    decode: ({ content }) => ({ strength: content[0] }),
    fallback: () => "poked you",
    shouldPush: () => false,
  };

  it("of a type of the app are decoded by its codec, and stay readable without one", () => {
    const { codecs } = resolveOptions({ codecs: [codec] });
    assert.deepEqual(new api.DecodedMessage(snapshot(poke), codecs).content, { strength: 7 });
    const plain = new api.DecodedMessage(snapshot(poke));
    assert.equal(plain.content, undefined);
    assert.deepEqual(plain.encodedContent, poke.content);
  });

  it("are decoded by the codec of their minor version, else by one of their major version, and by no other", () => {
    const of = (versionMajor, versionMinor) => ({
      ...codec, contentType: { ...type, versionMajor, versionMinor }, decode: () => `${versionMajor}.${versionMinor}`,
    });
    const { codecs } = resolveOptions({ codecs: [of(1, 0), of(1, 2), of(2, 0)] });
    const decoded = (versionMajor, versionMinor) => {
      const content = { ...poke.content, type: { ...type, versionMajor, versionMinor } };
      return new api.DecodedMessage(snapshot({ type: "custom", content }), codecs).content;
    };
    assert.deepEqual([decoded(1, 0), decoded(1, 2), decoded(1, 7), decoded(2, 1)], ["1.0", "1.2", "1.2", "2.0"]);
    assert.equal(decoded(3, 0), undefined);
  });

  it("keep all they say when they are spread or cloned, and have a type if their sender left it out", () => {
    const message = new api.DecodedMessage(snapshot({ type: "text", content: "hi" }, { expiresAtNs: 5_000_000n }));
    const copies = [{ ...message }, structuredClone({ ...message })];
    for (const copy of copies) assert.deepEqual([copy.sentAt, copy.expiresAt], [new Date(1), new Date(5)]);
    assert.deepEqual(message.contentType, { authorityId: "", typeId: "", versionMajor: 0, versionMinor: 0 });
    assert.equal(new api.DecodedMessage(snapshot({ type: "text", content: "" })).expiresAt, undefined);
  });

  it("survive a codec that throws", (test) => {
    test.mock.method(console, "warn", () => {});
    const { codecs } = resolveOptions({ codecs: [{ ...codec, decode: () => JSON.parse("{") }] });
    assert.equal(new api.DecodedMessage(snapshot(poke), codecs).content, undefined);
  });

  it("that answer another one carry it, and their content by its own codec", async () => {
    const { codecs } = resolveOptions({ codecs: [codec] });
    const answered = snapshot({ type: "text", content: "hi" });
    const body = { type: "reply", content: { referenceId: "a", content: poke } };
    const reply = new api.DecodedMessage(snapshot(body, { inReplyTo: answered }), codecs);
    assert.ok(api.isReply(reply) && !api.isTextReply(reply));
    assert.equal(reply.content.inReplyTo.content, "hi");
    assert.deepEqual(reply.content.content, { strength: 7 });
    assert.deepEqual(await reply.content.contentType(), type);
    const lost = new api.DecodedMessage(snapshot({ type: "reply", content: { referenceId: "a", content: { type: "text", content: "x" } } }));
    assert.ok(api.isTextReply(lost));
    assert.equal(lost.content.inReplyTo, null);
    assert.deepEqual(await lost.content.contentType(), await api.contentTypeText());
  });

  it("that only claim to be a line of the transcript have no content", () => {
    const forged = new api.DecodedMessage(snapshot({ type: "forged", content: {} }));
    assert.equal(forged.content, undefined);
    assert.ok(!api.isGroupUpdated(forged));
  });
});

describe("content types", () => {
  it("have the ids that are on the wire", async () => {
    const ids = { Actions: "coinbase.com/actions:1.0", MultiRemoteAttachment: "xmtp.org/multiRemoteStaticAttachment:1.0", Reaction: "xmtp.org/reaction:2.0", RemoteAttachment: "xmtp.org/remoteStaticAttachment:1.0", LeaveRequest: "xmtp.org/leave_request:1.0" };
    for (const [name, id] of Object.entries(ids)) {
      const { authorityId, typeId, versionMajor, versionMinor } = await api[`contentType${name}`]();
      assert.equal(`${authorityId}/${typeId}:${versionMajor}.${versionMinor}`, id);
    }
  });
});

describe("streams", () => {
  it("hand out values in order, wait for the next, and end once", async () => {
    let stopped = 0;
    const stream = new api.AsyncStreamProxy(() => (stopped += 1));
    const waiting = stream.next();
    stream.push("a");
    stream.push("b");
    assert.deepEqual(await waiting, { done: false, value: "a" });
    const pending = [stream.next(), stream.next()];
    await stream.end();
    await stream.end();
    stream.push("too late");
    assert.deepEqual(await Promise.all(pending), [
      { done: false, value: "b" },
      { done: true, value: undefined },
    ]);
    assert.equal(stream.isDone, true);
    assert.equal(stopped, 1);
  });

  it("end when the loop over them is left", async () => {
    let stopped = 0;
    const stream = new api.AsyncStreamProxy(() => (stopped += 1));
    stream.push(1);
    stream.push(2);
    for await (const value of stream) {
      assert.equal(value, 1);
      break;
    }
    assert.equal(stopped, 1);
    assert.deepEqual(await stream.next(), { done: true, value: undefined });
  });
});

describe("a stream that nobody reads", () => {
  it("keeps the newest values only", async () => {
    const stream = new api.AsyncStreamProxy(() => undefined);
    for (let n = 0; n < 10_005; n += 1) stream.push(n);
    assert.deepEqual(await stream.next(), { done: false, value: 5 });
    // from the first read on nothing is dropped
    for (let n = 0; n < 20; n += 1) stream.push("more");
    for (let n = 6; n < 10_005; n += 1) assert.deepEqual(await stream.next(), { done: false, value: n });
    assert.deepEqual(await stream.next(), { done: false, value: "more" });
  });
});

describe("the page's network", () => {
  const surroundings = () => {
    const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
    return Object.assign(new EventTarget(), { navigator: { onLine: true }, document });
  };
  const channel = () => {
    const told = [];
    return { told, call: (method, args) => (told.push([method, args]), Promise.reject(new Error("closed"))) };
  };

  it("is told to the worker at first and at each change, until the client is closed", () => {
    const [around, line] = [surroundings(), channel()];
    const stop = watchNetwork(line, around);
    around.navigator.onLine = false;
    around.dispatchEvent(new Event("offline"));
    around.document.visibilityState = "hidden";
    around.document.dispatchEvent(new Event("visibilitychange"));
    around.navigator.onLine = true;
    around.dispatchEvent(new Event("online"));
    stop();
    around.dispatchEvent(new Event("offline"));
    around.document.dispatchEvent(new Event("visibilitychange"));
    assert.deepEqual(line.told, [
      ["client.network", { online: true, visible: true }],
      ["client.network", { online: false, visible: true }],
      ["client.network", { online: false, visible: false }],
      ["client.network", { online: true, visible: false }],
    ]);
  });

  it("counts as there where nothing says otherwise", () => {
    const line = channel();
    watchNetwork(line, {})();
    assert.deepEqual(line.told, [["client.network", { online: true, visible: true }]]);
  });
});

describe("the package", () => {
  const pkg = new URL("../../pkg/", import.meta.url);
  const manifest = JSON.parse(readFileSync(new URL("package.json", pkg), "utf8"));
  const files = readdirSync(pkg);

  it("exports only files it ships, types first, and one copy of the wasm", () => {
    for (const [entry, target] of Object.entries(manifest.exports)) {
      const paths = typeof target === "string" ? [target] : Object.values(target);
      for (const path of paths) assert.ok(existsSync(new URL(path, pkg)), `${entry} → ${path}`);
      if (typeof target === "object") assert.equal(Object.keys(target)[0], "types");
    }
    assert.equal(files.filter((name) => name.endsWith(".wasm")).length, 1);
  });

  it("has the version of the crate", () => {
    const cargo = readFileSync(new URL("../../Cargo.toml", import.meta.url), "utf8");
    assert.equal(manifest.version, /\[workspace\.package\]\s+version = "([^"]+)"/.exec(cargo)?.[1]);
    assert.equal(manifest.version, PACKAGE_VERSION);
  });

  it("can be imported where there is no Worker, as when a server renders", () => {
    assert.equal(typeof globalThis.Worker, "undefined");
    assert.equal(typeof api.Client.create, "function");
  });
});
