// Where a client of a local node finds it: connections of its own, where the browser and the node allow that.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ownHost } from "../../pkg/own-host.js";

const of = (more = {}) => ({
  apiUrl: "http://localhost:5557", env: "local", nonce: 1n, dbPath: undefined,
  identifier: { identifier: `0x${"ab".repeat(20)}`, identifierKind: 0 }, ...more,
});
const HEADERS = { "content-type": "application/grpc-web+proto" };
const node = async () => new Response(new Uint8Array(5), { headers: HEADERS });
const nobody = () => assert.fail("nobody is to be asked");

describe("the address of a local node", () => {
  it("has a name of the client's own below localhost, at the same port, when the node answers there", async () => {
    const asked = [];
    const ask = async (url, init) => {
      asked.push([url, init.method, [...init.body]]);
      return node();
    };
    const url = await ownHost(of(), ask);
    assert.match(url, /^http:\/\/xmtp-[0-9a-f]{12}\.localhost:5557$/);
    assert.deepEqual(asked, [[`${url}/xmtp.identity.api.v1.IdentityApi/GetInboxIds`, "POST", [0, 0, 0, 0, 0]]]);
    assert.match(await ownHost(of({ apiUrl: "http://localhost:15557/base" }), node), /^http:\/\/xmtp-[0-9a-f]{12}\.localhost:15557\/base$/);
    assert.match(await ownHost(of({ apiUrl: "http://localhost" }), node), /^http:\/\/xmtp-[0-9a-f]{12}\.localhost$/);
  });

  it("is the same each time for one database, and another one for each other", async () => {
    const first = await ownHost(of(), node);
    assert.equal(await ownHost(of(), node), first);
    assert.equal(await ownHost(of({ identifier: { identifier: `0x${"AB".repeat(20)}`, identifierKind: 0 } }), node), first);
    const memory = of({ dbPath: null });
    const others = [of({ nonce: 2n }), of({ dbPath: "work.db3" }), of({ identifier: { identifier: `0x${"cd".repeat(20)}`, identifierKind: 0 } }), memory, memory];
    const urls = await Promise.all(others.map((each) => ownHost(each, node)));
    assert.equal(new Set([first, ...urls]).size, 6);
  });

  it("has a name of its own too in a page that is no secure context, which has neither hashes nor random UUIDs", async () => {
    const whole = globalThis.crypto;
    const insecure = { getRandomValues: (bytes) => whole.getRandomValues(bytes) };
    Object.defineProperty(globalThis, "crypto", { value: insecure, configurable: true });
    try {
      const urls = await Promise.all([of(), of({ dbPath: null })].map((each) => ownHost(each, node)));
      for (const url of urls) assert.match(url, /^http:\/\/xmtp-[0-9a-f]{12}\.localhost:5557$/);
    } finally {
      Object.defineProperty(globalThis, "crypto", { value: whole, configurable: true });
    }
  });

  it("stays as it is where the name leads nowhere, or to something else", async () => {
    const answers = [
      async () => { throw new TypeError("Failed to fetch"); },
      async () => new Response("no such host here", { status: 404, headers: HEADERS }),
      async () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      async () => new Response(null),
    ];
    for (const ask of answers) assert.equal(await ownHost(of(), ask), "http://localhost:5557");
  });

  it("stays as it is for every other network and host, and nobody is asked", async () => {
    for (const more of [
      { env: "dev" }, { env: "production" }, { apiUrl: "http://127.0.0.1:5557" }, { apiUrl: "https://localhost:5557" }, { apiUrl: "http://localhost.example:5557" },
      { apiUrl: "http://alice.localhost:5557" }, { apiUrl: "http://node.example" },
    ]) {
      assert.equal(await ownHost(of(more), nobody), more.apiUrl ?? "http://localhost:5557");
    }
  });
});
