// Changes of an inbox as the page side makes them, on the built package: a channel of our own in place of the worker.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as api from "../../pkg/index.js";
import { Accounts, checkInstallationIds } from "../../pkg/accounts.js";
import { InboxStates } from "../../pkg/inboxes.js";
import { resolveNetwork } from "../../pkg/options.js";

const code = (expected) => (error) => error instanceof api.XmtpError && error.code === expected;
const ADDRESS = `0x${"ab".repeat(20)}`;
const OTHER = `0x${"cd".repeat(20)}`;
const SIGNATURE = new Uint8Array(65).fill(7);

/** Answers each request by its method and remembers what was asked. */
function channel(answers = {}) {
  const asked = [];
  return {
    asked,
    methods: () => asked.map(([method]) => method),
    call(method, args) {
      asked.push([method, args]);
      const answer = answers[method];
      return Promise.resolve(typeof answer === "function" ? answer(args) : answer);
    },
  };
}

function signer(address = ADDRESS) {
  const texts = [];
  return { texts, ...api.createEOASigner(address, (text) => (texts.push(text), SIGNATURE)) };
}

describe("a change of the own inbox", () => {
  it("is asked for, signed and applied under one id", async () => {
    const line = channel({ "client.signatureRequest": "text" });
    const own = signer();
    await new Accounts(line, own).change({ type: "revokeAllOtherInstallations" });
    assert.deepEqual(line.methods(), ["client.signatureRequest", "client.applySignatureRequest"]);
    const [[, asked], [, applied]] = line.asked;
    assert.equal(asked.requestId, applied.requestId);
    assert.deepEqual(applied.signature, { type: "EOA", signature: SIGNATURE });
    assert.deepEqual(own.texts, ["text"]);
  });

  it("asks for no signature where there is nothing to change", async () => {
    const line = channel();
    const own = signer();
    await new Accounts(line, own).change({ type: "revokeAllOtherInstallations" });
    assert.deepEqual(line.methods(), ["client.signatureRequest"]);
    assert.deepEqual(own.texts, []);
  });

  it("says that the signer refused where it does not even name its account", async () => {
    const line = channel();
    const locked = { ...signer(OTHER), getIdentifier: () => Promise.reject(new Error("the wallet is locked")) };
    await assert.rejects(new Accounts(line, signer()).add(locked, true), (error) => code("identity.signer_refused")(error) && error.cause.message === "the wallet is locked");
    assert.deepEqual(line.methods(), []);
  });

  it("needs a signer", async () => {
    const line = channel({ "client.signatureRequest": "text" });
    const accounts = new Accounts(line, undefined);
    await assert.rejects(accounts.change({ type: "revokeAllOtherInstallations" }), code("identity.signer_refused"));
    await assert.rejects(accounts.add(signer(OTHER), true), code("identity.signer_refused"));
    assert.deepEqual(line.methods(), []);
  });

  it("can be signed by hand in two steps", async () => {
    const line = channel({ "client.signatureRequest": "text" });
    const accounts = new Accounts(line, undefined);
    const { signatureText, signatureRequestId } = await accounts.requestText({ type: "removeAccount" });
    assert.equal(signatureText, "text");
    await accounts.apply(await api.toSafeSigner(signer(), SIGNATURE), signatureRequestId);
    assert.deepEqual(line.asked[1], [
      "client.applySignatureRequest",
      { requestId: signatureRequestId, signature: { type: "EOA", signature: SIGNATURE } },
    ]);
  });
});

describe("linking an account", () => {
  it("must be allowed to take it from its inbox", async () => {
    const line = channel();
    const accounts = new Accounts(line, signer());
    await assert.rejects(accounts.add(signer(OTHER), false), code("identity.inbox_reassign"));
    await assert.rejects(accounts.add(signer(OTHER), "yes"), code("identity.inbox_reassign"));
    assert.throws(() => accounts.addText({ identifier: OTHER, identifierKind: 0 }, false), code("identity.inbox_reassign"));
    assert.deepEqual(line.methods(), []);
  });

  it("is refused for one that has an inbox, before anybody signs", async () => {
    const line = channel({ "client.inboxIdForIdentifier": "f".repeat(64) });
    const theirs = signer(OTHER);
    const refused = new Accounts(line, signer()).add(theirs, true);
    await assert.rejects(refused, (error) => {
      assert.ok(code("identity.account_already_associated")(error));
      assert.deepEqual(error.details, { inboxId: "f".repeat(64) });
      return true;
    });
    assert.deepEqual(theirs.texts, []);
  });

  it("is signed by the new account", async () => {
    const line = channel({ "client.signatureRequest": "text" });
    const [own, theirs] = [signer(), signer(OTHER)];
    await new Accounts(line, own).add(theirs, true);
    assert.deepEqual(own.texts, []);
    assert.deepEqual(theirs.texts, ["text"]);
    assert.deepEqual(line.asked[1][1].change, {
      type: "addAccount",
      identifier: { identifier: OTHER, identifierKind: api.IdentifierKind.Ethereum },
    });
  });
});

describe("signers", () => {
  it("of contract wallets name their chain, and a block if they have one", async () => {
    const wallet = api.createSCWSigner(ADDRESS, () => SIGNATURE, 1n);
    const identifier = { identifier: ADDRESS, identifierKind: 0 };
    assert.deepEqual(await api.toSafeSigner(wallet, SIGNATURE), { type: "SCW", identifier, signature: SIGNATURE, chainId: 1n });
    const dated = await api.toSafeSigner({ ...wallet, getBlockNumber: () => 9n }, SIGNATURE);
    assert.equal(dated.blockNumber, 9n);
  });

  it("may be passkeys", async () => {
    const part = new Uint8Array([1]);
    const assertion = { publicKey: part, signature: part, authenticatorData: part, clientDataJson: part };
    const passkey = { type: "Passkey", getIdentifier: () => ({ identifier: "02AB", identifierKind: 1 }), signMessage: () => assertion };
    const line = channel({ "client.signatureRequest": "text" });
    await new Accounts(line, passkey).change({ type: "revokeAllOtherInstallations" });
    assert.deepEqual(line.asked[1][1].signature, { type: "Passkey", signature: assertion });
    assert.equal((await api.toSafeSigner(passkey, assertion)).identifier.identifier, "02ab");
    const wrong = { ...passkey, getIdentifier: () => ({ identifier: "xyz", identifierKind: 1 }) };
    await assert.rejects(api.toSafeSigner(wrong, assertion), code("argument.invalid"));
  });

  it("of no known type, and answers that are no bytes, are refused", async () => {
    await assert.rejects(api.toSafeSigner({ ...signer(), type: "HSM" }, SIGNATURE), code("argument.invalid"));
    await assert.rejects(api.toSafeSigner(signer(), "0x12"), code("identity.signer_refused"));
  });
});

describe("installation ids", () => {
  it("are 32 bytes each, and at least one", () => {
    const id = new Uint8Array(32);
    assert.deepEqual(checkInstallationIds([id]), [id]);
    for (const wrong of [[], [new Uint8Array(31)], ["ab"], "ab", undefined]) {
      assert.throws(() => checkInstallationIds(wrong), code("argument.invalid"));
    }
  });
});

describe("inbox ids", () => {
  it("are derived as everywhere", async () => {
    const owner = (identifier, identifierKind = 0) => ({ identifier, identifierKind });
    const low = "0x1234567890abcdef1234567890abcdef12345678";
    const hardhat = "0xF39FD6E51AAD88F6F4CE6AB8827279CFFFB92266";
    const passkey = "02000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const known = [
      [owner(low), 0n, "fcd18d86276d7a99fe522dba9660c420f03c8648785ada7c5daae232a3df77a9"],
      [owner(low), undefined, "a38db5b39c536ce8cda4a67ce2a2d2fee6360dd0935875f26138e7899d6c15f7"],
      [owner(hardhat), 0n, "41ff994ea1f9462295cee1ad48c270f6fe3e6307cd9a062e9320cf43a724e348"],
      [owner(hardhat), 1n, "f2dc4b90b67487658e6fc1d4759c148fac797ea24fadee18c9d511787e04ea1a"],
      [owner(passkey, 1), 0n, "8f7cf638c05c34f9a3dce5842313d788ccbccaeba177c7253a77fb3fb4280391"],
    ];
    for (const [identifier, nonce, expected] of known) {
      assert.equal(await api.generateInboxId(identifier, nonce), expected);
    }
    await assert.rejects(api.generateInboxId(owner("0x12")), code("identity.invalid_address"));
    await assert.rejects(api.generateInboxId(owner(low), 1), code("argument.invalid"));
    await assert.rejects(api.generateInboxId(owner(low), 1n << 64n), code("argument.invalid"));
  });

  it("are asked for in one call, the own one by itself", async () => {
    const line = channel({ "client.inboxStates": ({ inboxIds }) => inboxIds.map((inboxId) => ({ inboxId })) });
    const states = new InboxStates(line, "own");
    assert.deepEqual(await states.inboxState(), { inboxId: "own" });
    assert.deepEqual(await states.fetchInboxState(), { inboxId: "own" });
    assert.deepEqual(await states.getInboxStates(["a", "b"]), [{ inboxId: "a" }, { inboxId: "b" }]);
    await states.fetchInboxStates(["c"]);
    assert.deepEqual(
      line.asked.map(([, args]) => args),
      [
        { inboxIds: ["own"], fromNetwork: false },
        { inboxIds: ["own"], fromNetwork: true },
        { inboxIds: ["a", "b"], fromNetwork: false },
        { inboxIds: ["c"], fromNetwork: true },
      ],
    );
  });
});

describe("calls without a client", () => {
  it("take a network by name or by options, and no others", () => {
    assert.equal(resolveNetwork().env, "dev");
    assert.equal(resolveNetwork("local").apiUrl, "http://localhost:5557");
    assert.equal(resolveNetwork({ apiUrl: "https://node.example/" }).apiUrl, "https://node.example");
    for (const wrong of ["mainnet", { dbPath: null }, { gatewayHost: "x" }]) {
      assert.throws(() => resolveNetwork(wrong), code("argument.unsupported"));
    }
  });

  it("check what they can before a worker is started", async () => {
    await assert.rejects(api.Client.revokeInstallations(signer(), "x", [], "local"), code("argument.invalid"));
    await assert.rejects(api.Client.canMessage([{ identifier: "0x1", identifierKind: 0 }]), code("identity.invalid_address"));
    await assert.rejects(api.Client.fetchInboxStates([], "nowhere"), code("argument.unsupported"));
  });
});
