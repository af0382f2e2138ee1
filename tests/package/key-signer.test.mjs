// `createEOASigner(key?)`: what the page asks of its worker, and which keys it takes.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import * as api from "../../pkg/index.js";
import { Account } from "./support/played-worker.mjs";

const KEY = `0x${"11".repeat(32)}`;
const ADDRESS = `0x${"ab".repeat(20)}`;

describe("a signer of a key", () => {
  // One worker without a client serves all such calls of a page.
  const account = new Account();
  before(() => {
    globalThis.Worker = account.Worker;
  });
  beforeEach(() => {
    account.asked.length = 0;
    account.overrides["tools.walletAddress"] = () => ADDRESS;
    account.overrides["tools.signAsWallet"] = () => new Uint8Array(65).fill(7);
  });
  after(() => {
    delete globalThis.Worker;
  });

  it("has the key's address and its signatures from the worker, and asks for nothing before it is used", async () => {
    const signer = api.createEOASigner(KEY);
    assert.deepEqual(account.asked, []);
    assert.deepEqual(await signer.getIdentifier(), { identifier: ADDRESS, identifierKind: api.IdentifierKind.Ethereum });
    await signer.getIdentifier();
    assert.deepEqual(await signer.signMessage("text"), new Uint8Array(65).fill(7));
    const key = new Uint8Array(32).fill(0x11);
    assert.deepEqual(account.asked.map(([method, { key: given, text }]) => [method, given, text]), [
      ["tools.walletAddress", key, undefined],
      ["tools.signAsWallet", key, "text"],
    ]);
  });

  it("without a key has one of its own", async () => {
    for (const signer of [api.createEOASigner(), api.createEOASigner()]) await signer.getIdentifier();
    const [one, other] = account.asked.map(([, { key }]) => key);
    assert.deepEqual([one.length, other.length], [32, 32]);
    assert.notDeepEqual(one, other);
  });

  it("asks again for an address that could not be had", async () => {
    account.overrides["tools.walletAddress"] = () => Promise.reject(new api.XmtpError("argument.invalid", "no key"));
    const signer = api.createEOASigner(KEY);
    await assert.rejects(signer.getIdentifier(), { code: "argument.invalid" });
    account.overrides["tools.walletAddress"] = () => ADDRESS;
    assert.equal((await signer.getIdentifier()).identifier, ADDRESS);
  });

  it("is refused for what is no key, an address without a signer among it", () => {
    for (const wrong of ["", "0x", ADDRESS, KEY.slice(2), `${KEY}00`, `0x${"zz".repeat(32)}`, null, 7]) {
      assert.throws(() => api.createEOASigner(wrong), { code: "argument.invalid" }, String(wrong));
    }
  });
});
