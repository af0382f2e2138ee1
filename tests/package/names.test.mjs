// Names of `@xmtp/browser-sdk` 7.1 that stand for something of this package: backends, error classes, createStream.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as api from "../../pkg/index.js";
import { resolveNetwork, resolveOptions } from "../../pkg/options.js";

const code = (expected) => (error) => error instanceof api.XmtpError && error.code === expected;

/** Every value that 7.1.0 exports at run time; docs/MIGRATING.md says why some are not here. */
const THEIRS = [
  "AccountAlreadyAssociatedError", "ActionStyle", "ApiUrls", "Client", "ClientNotInitializedError", "ConsentEntityType",
  "ConsentState", "ContentType", "Conversation", "ConversationType", "Conversations", "DecodedMessage", "DeliveryStatus", "Dm",
  "Group", "GroupMessageKind", "GroupNotFoundError", "GroupPermissionsOptions", "IdentifierKind", "InboxReassignError",
  "ListConversationsOrderBy", "LogLevel", "MessageSortBy", "MetadataField", "Opfs", "OpfsInitializationError",
  "OpfsNotInitializedError", "PermissionLevel",
  "PermissionPolicy", "PermissionUpdateType", "ReactionAction", "ReactionSchema", "SignerUnavailableError", "SortDirection",
  "StreamFailedError", "StreamInvalidRetryAttemptsError", "StreamNotFoundError",
  "contentTypeActions", "contentTypeAttachment", "contentTypeGroupUpdated", "contentTypeIntent", "contentTypeLeaveRequest",
  "contentTypeMarkdown", "contentTypeMultiRemoteAttachment", "contentTypeReaction", "contentTypeReadReceipt",
  "contentTypeRemoteAttachment", "contentTypeReply", "contentTypeText", "contentTypeTransactionReference",
  "contentTypeWalletSendCalls", "createBackend", "createEOASigner", "createSCWSigner", "decryptAttachment", "encodeActions",
  "encodeAttachment", "encodeIntent", "encodeMarkdown", "encodeMultiRemoteAttachment", "encodeReaction", "encodeReadReceipt",
  "encodeRemoteAttachment", "encodeText", "encodeTransactionReference", "encodeWalletSendCalls", "encryptAttachment",
  "generateInboxId", "getInboxIdForIdentifier", "isActions", "isAttachment", "isGroupUpdated", "isIntent", "isLeaveRequest",
  "isMarkdown", "isMultiRemoteAttachment", "isReaction", "isReadReceipt", "isRemoteAttachment", "isReply", "isText",
  "isTextReply", "isTransactionReference", "isWalletSendCalls", "metadataFieldName", "toSafeSigner",
  // Declared there and missing at run time.
  "createStream", "DEFAULT_RETRY_ATTEMPTS", "DEFAULT_RETRY_DELAY",
];

describe("names of 7.1", () => {
  it("are exported", () => {
    assert.deepEqual(THEIRS.filter((name) => api[name] === undefined), []);
  });
});

describe("a backend", () => {
  it("names a network for clients and for calls without one", async () => {
    const backend = await api.createBackend({ env: "local", appVersion: "app/1.0" });
    assert.deepEqual({ ...backend }, { env: "local", apiUrl: "http://localhost:5557", appVersion: "app/1.0" });
    for (const resolved of [resolveOptions({ backend }), resolveNetwork(backend)]) {
      assert.deepEqual([resolved.env, resolved.apiUrl, resolved.appVersion], ["local", "http://localhost:5557", "app/1.0"]);
    }
    assert.equal((await api.createBackend()).env, "dev");
    const own = await api.createBackend({ apiUrl: "https://node.example/" });
    assert.equal(resolveOptions({ backend: own }).apiUrl, "https://node.example");
  });

  it("goes with no other name of a network", async () => {
    const backend = await api.createBackend();
    for (const more of [{ env: "dev" }, { apiUrl: "https://node.example" }, { appVersion: "app/1.0" }]) {
      assert.throws(() => resolveOptions({ backend, ...more }), code("argument.invalid"));
    }
    assert.throws(() => resolveOptions({ backend: { env: "dev" } }), code("argument.invalid"));
    await assert.rejects(api.createBackend({ gatewayHost: "x" }), code("argument.unsupported"));
    await assert.rejects(api.createBackend({ env: "mainnet" }), code("argument.unsupported"));
  });
});

describe("error classes", () => {
  it("know errors by their code", () => {
    const classes = {
      AccountAlreadyAssociatedError: "identity.account_already_associated",
      ClientNotInitializedError: "client.closed",
      GroupNotFoundError: "group.not_found",
      InboxReassignError: "identity.inbox_reassign",
      OpfsInitializationError: "storage.locked_by_other_tab",
      SignerUnavailableError: "identity.signer_refused",
    };
    for (const [name, of] of Object.entries(classes)) {
      const error = new api.XmtpError(of, "");
      for (const other of Object.keys(classes)) assert.equal(error instanceof api[other], other === name, `${of} as ${other}`);
      assert.ok(!(new Error(of) instanceof api[name]));
      assert.ok(!({ code: of } instanceof api[name]));
    }
  });

  it("know the end of a stream, and a number of attempts that is none", async () => {
    const errors = [];
    const source = { onFail: undefined };
    const begin = async (_, onFail) => ((source.onFail = onFail), () => {});
    await api.createStream(begin, undefined, { retryOnFail: false, onError: (error) => errors.push(error) });
    source.onFail();
    assert.deepEqual(errors.map((error) => [error instanceof api.StreamFailedError, error.code]), [[true, "network.unavailable"]]);
    assert.ok(!(new api.XmtpError("network.unavailable", "") instanceof api.StreamFailedError), "one that ended nothing");
    const wrong = await api.createStream(begin, undefined, { retryAttempts: -1 }).catch((error) => error);
    assert.ok(wrong instanceof api.StreamInvalidRetryAttemptsError && wrong.code === "argument.invalid");
    assert.ok(!(new api.XmtpError("argument.invalid", "") instanceof api.StreamInvalidRetryAttemptsError));
    assert.ok(!(wrong instanceof api.StreamNotFoundError));
    assert.ok(new api.XmtpError("client.closed", "") instanceof api.OpfsNotInitializedError);
  });
});

describe("createStream", () => {
  /** A source that is played: each begin hands out its callbacks. */
  function source(begin = () => {}) {
    const begun = [];
    const stopped = [];
    return {
      begun,
      stopped,
      start: async (callback, onFail) => {
        const at = begun.length;
        begun.push({ callback, onFail });
        await begin(at);
        return () => stopped.push(at);
      },
    };
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it("hands out what the mutator makes, in order, and stops its source once", async () => {
    const { begun, stopped, start } = source();
    const slowFirst = async (value) => {
      if (value === 1) await turn();
      return value === 2 ? undefined : `<${value}>`;
    };
    const seen = [];
    const stream = await api.createStream(start, slowFirst, { onValue: (value) => seen.push(value), onEnd: () => seen.push("end") });
    for (const value of [1, 2, 3]) begun[0].callback(null, value);
    assert.deepEqual([(await stream.next()).value, (await stream.next()).value], ["<1>", "<3>"]);
    await stream.end();
    await stream.return();
    begun[0].callback(null, 4);
    await turn();
    assert.deepEqual([seen, stopped], [["<1>", "<3>", "end"], [0]]);
  });

  it("goes on after an error of a value, its own or the mutator's", async () => {
    const { begun, start } = source();
    const errors = [];
    const stream = await api.createStream(start, (value) => JSON.parse(value), { onError: (error) => errors.push(error) });
    begun[0].callback(new Error("unreadable"), undefined);
    begun[0].callback(null, "{");
    begun[0].callback(null, "7");
    assert.equal((await stream.next()).value, 7);
    assert.equal(errors.length, 2);
    assert.ok(errors.every((error) => error instanceof api.XmtpError));
    await stream.end();
  });

  it("begins again as often as it may, then ends with the last error and stays ended", async (test) => {
    test.mock.timers.enable({ apis: ["setTimeout"] });
    const { begun, start } = source();
    const told = [];
    const note = (name) => (...args) => told.push([name, ...args]);
    const options = { retryAttempts: 2, retryDelay: 10, onRetry: note("retry"), onRestart: note("restart"), onFail: note("fail"), onEnd: note("end"), onError: ({ code }) => told.push(["error", code]) };
    const stream = await api.createStream(start, undefined, options);
    for (let failure = 0; failure < 3; failure += 1) {
      begun.at(-1).onFail();
      test.mock.timers.tick(20);
      await Promise.resolve();
      await turn();
    }
    assert.equal(stream.isDone, true);
    test.mock.timers.tick(60_000);
    await turn();
    assert.equal(begun.length, 3, "nothing begins after the end");
    assert.deepEqual(told, [["retry", 1, 2], ["restart"], ["retry", 2, 2], ["restart"], ["fail"], ["error", "network.unavailable"], ["end"]]);
  });

  it("does not begin again where that is not wanted, and refuses wrong options", async () => {
    const { begun, start } = source();
    const stream = await api.createStream(start, undefined, { retryOnFail: false });
    begun[0].onFail();
    assert.equal(stream.isDone, true);
    await assert.rejects(api.createStream(start, undefined, { retryAttempts: -1 }), code("argument.invalid"));
    await assert.rejects(api.createStream(start, undefined, { retries: 1 }), code("argument.unsupported"));
    await assert.rejects(api.createStream(async () => { throw new api.XmtpError("client.closed", ""); }), code("client.closed"));
  });
});
