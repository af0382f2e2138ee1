// Giving calls up, ending things by `await using`, what a client tells of itself, and what it says in a bug report.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import * as api from "../../pkg/index.js";
import { Account, INBOX } from "./support/played-worker.mjs";
import { uncaught } from "./support/uncaught.mjs";

const { Client, createEOASigner, ConsentState } = api;
const ADDRESS = `0x${"ab".repeat(20)}`;
const signer = createEOASigner(ADDRESS, () => new Uint8Array(65));
const code = (expected) => (error) => error instanceof api.XmtpError && error.code === expected;
/** A call that nobody answers. */
const never = () => new Promise(() => {});

let account;

beforeEach(() => {
  account = new Account();
  globalThis.Worker = account.Worker;
});

afterEach(() => {
  delete globalThis.Worker;
});

const opened = (options) => Client.create(signer, { dbPath: null, ...options });

describe("a signal", () => {
  it("that has fired lets nothing begin", async () => {
    const client = await opened();
    account.group("aa");
    const signal = AbortSignal.abort(new Error("left the page"));
    const shown = await client.conversations.getConversationById("aa");
    const before = account.asked.length;
    const calls = {
      create: () => Client.create(signer, { signal }),
      build: () => Client.build(api.ethereumIdentifier(ADDRESS), { signal }),
      canMessage: () => Client.canMessage([], { signal }),
      getInboxIdForIdentifier: () => api.getInboxIdForIdentifier({ signal }, api.ethereumIdentifier(ADDRESS)),
      sync: () => client.conversations.sync({ signal }),
      syncAll: () => client.conversations.syncAll([ConsentState.Allowed], { signal }),
      syncPreferences: () => client.preferences.sync({ signal }),
      createGroup: () => client.conversations.createGroup([INBOX], { signal }),
      createGroupWithIdentifiers: () => client.conversations.createGroupWithIdentifiers([api.ethereumIdentifier(ADDRESS)], { signal }),
      createGroupOptimistic: () => client.conversations.createGroupOptimistic({ signal }),
      createDm: () => client.conversations.createDm(INBOX, { signal }),
      createDmWithIdentifier: () => client.conversations.createDmWithIdentifier(api.ethereumIdentifier(ADDRESS), { signal }),
      syncGroup: () => shown.sync({ signal }),
      publishMessages: () => shown.publishMessages({ signal }),
      sendText: () => shown.sendText("hello", { signal }),
      send: () => shown.send({ parameters: {}, content: new Uint8Array() }, { shouldPush: true, signal }),
      removeMessage: () => shown.removeMessage("id", { signal }),
      stream: () => client.conversations.stream({ signal }),
      streamAllMessages: () => client.conversations.streamAllMessages({ signal }),
      streamOne: () => shown.stream({ signal }),
      streamConsent: () => client.preferences.streamConsent({ signal }),
      streamConnectionState: () => client.streamConnectionState({ signal }),
      encryptFile: () => api.encryptFile(new Blob(), { signal, filename: "f" }),
    };
    for (const [name, call] of Object.entries(calls)) {
      await assert.rejects(call(), (error) => code("call.aborted")(error) && error.cause.message === "left the page" && !error.retryable, name);
    }
    assert.equal(account.asked.length, before, "nothing was asked of a worker");
    await client.close();
  });

  it("is the last argument of every call that has no other options, and its only one", async () => {
    const client = await opened();
    account.group("aa");
    const group = await client.conversations.getConversationById("aa");
    const { conversations, preferences } = client;
    const identifier = api.ethereumIdentifier(ADDRESS);
    const bytes = new Uint8Array(32);
    const policy = [api.PermissionUpdateType.AddMember, api.PermissionPolicy.Admin, undefined];
    const calls = {
      client: [client, {
        register: [], canMessage: [[identifier]], fetchInboxIdByIdentifier: [identifier], fetchLatestInboxUpdatesCount: [[INBOX]],
        fetchOwnInboxUpdatesCount: [], unsafe_addAccount: [signer, true], removeAccount: [identifier], revokeInstallations: [[bytes]],
        revokeAllOtherInstallations: [], changeRecoveryIdentifier: [identifier],
        unsafe_applySignatureRequest: [{ type: "EOA", identifier, signature: bytes }, "id"], fetchKeyPackageStatuses: [[INBOX]],
        createArchive: [bytes], importArchive: [bytes, bytes], archiveMetadata: [bytes, bytes], syncAllDeviceSyncGroups: [],
        processSyncArchive: [undefined],
      }],
      conversations: [conversations, { sync: [], syncAll: [undefined], fetchDmByIdentifier: [identifier] }],
      preferences: [preferences, {
        sync: [], fetchInboxState: [], fetchInboxStates: [[INBOX]], refreshConsentList: [], publishConsentList: [],
      }],
      group: [group, {
        sync: [], publishMessages: [], resendMessage: ["id"], processStreamedMessage: [bytes], debugInfo: [], updateConsentState: [1],
        setMinimumSupportedProtocolVersion: [undefined], updateMessageDisappearingSettings: [1n, 1n], removeMessageDisappearingSettings: [],
        updateName: [""], updateDescription: [""], updateImageUrl: [""], updateAppData: [""], updatePermission: policy,
        addAdmin: [INBOX], removeAdmin: [INBOX], addSuperAdmin: [INBOX], removeSuperAdmin: [INBOX],
        addMembers: [[INBOX]], addMembersByInboxId: [[INBOX]], addMembersByIdentifiers: [[identifier]],
        removeMembers: [[INBOX]], removeMembersByInboxId: [[INBOX]], removeMembersByIdentifiers: [[identifier]], requestRemoval: [],
      }],
    };
    const before = account.asked.length;
    for (const [where, [owner, methods]] of Object.entries(calls)) {
      for (const [name, args] of Object.entries(methods)) {
        const given = async (options) => owner[name](...args, options);
        await assert.rejects(given({ signal: AbortSignal.abort() }), code("call.aborted"), `${where}.${name}`);
        await assert.rejects(given({ signal: "now" }), code("argument.invalid"), `${where}.${name}`);
        await assert.rejects(given({ timeout: 1 }), code("argument.unsupported"), `${where}.${name}`);
      }
    }
    assert.equal(account.asked.length, before, "nothing was asked of a worker");
    await client.close();
  });

  it("that fires before the wallet is asked spares the person the question", async () => {
    const client = await opened();
    const abort = new AbortController();
    account.overrides["client.signatureRequest"] = () => (abort.abort(), "sign this");
    const texts = [];
    const own = createEOASigner(ADDRESS, (text) => (texts.push(text), new Uint8Array(65)));
    await assert.rejects(client.unsafe_addAccount(own, true, { signal: abort.signal }), code("call.aborted"));
    for (let turn = 0; turn < 10; turn += 1) await setImmediate();
    assert.deepEqual(texts, []);
    assert.ok(!account.asked.some(([method]) => method === "client.applySignatureRequest"));
    await client.close();
  });

  it("that fires ends the waiting, and the worker never sees it", async () => {
    const client = await opened();
    account.group("aa");
    account.overrides["group.sendContent"] = never;
    account.overrides["conversations.sync"] = never;
    const shown = await client.conversations.getConversationById("aa");
    const abort = new AbortController();
    const calls = [shown.sendText("hello", { signal: abort.signal }), client.conversations.sync({ signal: abort.signal })];
    await setImmediate();
    abort.abort();
    for (const call of calls) await assert.rejects(call, code("call.aborted"));
    const sent = account.asked.find(([method]) => method === "group.sendContent");
    assert.deepEqual(sent[1].options, {});
    await client.close();
  });

  it("that fires late changes nothing", async () => {
    const client = await opened();
    const abort = new AbortController();
    await client.conversations.sync({ signal: abort.signal });
    abort.abort();
    await client.conversations.sync();
    await client.close();
  });

  it("that is none is refused", async () => {
    const client = await opened();
    await assert.rejects(client.conversations.sync({ signal: {} }), code("argument.invalid"));
    await assert.rejects(client.conversations.stream({ signal: "now" }), code("argument.invalid"));
    await assert.rejects(opened({ signal: true }), code("argument.invalid"));
    await client.close();
  });

  it("ends a stream, whose reader sees the end of the loop", async () => {
    const client = await opened();
    const abort = new AbortController();
    let ends = 0;
    const stream = await client.conversations.streamAllMessages({ signal: abort.signal, onEnd: () => (ends += 1) });
    const reading = (async () => {
      let read = 0;
      for await (const _ of stream) read += 1;
      return read;
    })();
    account.group("aa");
    account.tellMessage(account.message("aa", "one"));
    abort.abort();
    assert.equal(await reading, 1);
    assert.equal(ends, 1);
    await setImmediate();
    await setImmediate();
    assert.equal(account.streams().length, 0);
    await client.close();
  });

  it("ends a stream that is still being opened, also at the worker", async () => {
    const client = await opened();
    const abort = new AbortController();
    let open;
    account.overrides["stream.open"] = async (args, worker) => {
      await new Promise((resolve) => (open = resolve));
      return account.answer(worker, "stream.open", args);
    };
    const ends = [];
    const opening = client.conversations.stream({ signal: abort.signal, onEnd: () => ends.push(1) });
    while (open === undefined) await setImmediate();
    abort.abort();
    await assert.rejects(opening, code("call.aborted"));
    open();
    for (let turn = 0; turn < 10; turn += 1) await setImmediate();
    assert.equal(account.streams().length, 0);
    assert.deepEqual(ends, [], "whoever never got the stream hears of it by the call alone");
    await client.close();
  });

  it("gives up a client that is being opened, and closes what was opened", async () => {
    account.overrides["client.open"] = never;
    const first = new AbortController();
    const opening = opened({ signal: first.signal });
    while (account.workers.length === 0) await setImmediate();
    first.abort();
    await assert.rejects(opening, code("call.aborted"));
    assert.ok(account.workers[0].isTerminated);

    // While the wallet asks its owner.
    delete account.overrides["client.open"];
    account.overrides["client.isRegistered"] = () => false;
    account.overrides["client.signatureText"] = () => "sign this";
    const second = new AbortController();
    const asking = Client.create(createEOASigner(ADDRESS, never), { dbPath: null, signal: second.signal });
    while (!account.asked.some(([method]) => method === "client.signatureText")) await setImmediate();
    second.abort();
    await assert.rejects(asking, code("call.aborted"));
    while (account.openClients > 0) await setImmediate();
  });
});

describe("await using", () => {
  const dispose = Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose");

  it("ends streams and clients", async () => {
    const client = await opened();
    const stream = await client.conversations.stream();
    await stream[dispose]();
    assert.equal(stream.isDone, true);
    await client[dispose]();
    assert.equal(account.openClients, 0);
    await assert.rejects(client.conversations.sync(), code("client.closed"));
  });

  it("is typed for apps whose own libraries do not know it", () => {
    assert.match(readFileSync(new URL("../../pkg/dispose.d.ts", import.meta.url), "utf8"), /reference lib="esnext.disposable"/);
  });
});

describe("a client's events", () => {
  it("tell that it was closed, once", async () => {
    const client = await opened();
    const heard = [];
    client.on("ended", (event) => heard.push(event));
    await client.close();
    await client.close();
    assert.deepEqual(heard, [{ error: undefined }]);
  });

  it("tell that a newer version has taken the database over", async () => {
    const client = await opened();
    const stream = await client.conversations.stream();
    const ended = new Promise((resolve) => client.on("ended", resolve));
    account.workers[0].post({ type: "fatal", error: { code: "tabs.newer_version", message: "reload", retryable: false } });
    const { error } = await ended;
    assert.ok(code("tabs.newer_version")(error));
    assert.equal(stream.isDone, true);
    await assert.rejects(client.conversations.sync(), code("tabs.newer_version"));
  });

  it("tell what the tab is", async () => {
    const client = await opened();
    const heard = [];
    client.on("role", ({ role }) => heard.push(role));
    assert.equal(client.tabRole, "alone");
    for (const role of ["waiting", "leader"]) account.workers[0].post({ type: "role", role });
    assert.deepEqual([...heard, client.tabRole], ["waiting", "leader", "leader"]);
    await client.close();
  });

  it("tell once that the installation was revoked, whichever call meets it", async () => {
    const client = await opened();
    const heard = [];
    client.on("revoked", ({ error }) => heard.push(error.code));
    account.overrides["conversations.sync"] = () => {
      throw { code: "identity.installation_revoked", message: "revoked" };
    };
    for (let turn = 0; turn < 2; turn += 1) await assert.rejects(client.conversations.sync());
    assert.deepEqual(heard, ["identity.installation_revoked"]);
    await client.close();
  });

  it("are not told to who has left, and one listener's fault is not another's", async () => {
    const client = await opened();
    const heard = [];
    const abort = new AbortController();
    client.on("ended", () => heard.push("left by signal"), { signal: abort.signal });
    client.on("ended", () => heard.push("left"))();
    client.on("ended", () => {
      throw new Error("the app's fault");
    });
    client.on("ended", () => heard.push("stayed"));
    abort.abort();
    const faults = await uncaught(() => client.close());
    assert.deepEqual([heard, faults], [["stayed"], ["the app's fault"]]);
    assert.throws(() => client.on("end", () => {}), code("argument.invalid"));
    assert.throws(() => client.on("ended"), code("argument.invalid"));
  });
});

describe("a client that has ended by itself", () => {
  it("listens to nothing any more", async () => {
    const page = new EventTarget();
    let listeners = 0;
    globalThis.addEventListener = (...args) => ((listeners += 1), page.addEventListener(...args));
    globalThis.removeEventListener = (...args) => ((listeners -= 1), page.removeEventListener(...args));
    try {
      await opened();
      assert.ok(listeners > 0);
      account.workers[0].post({ type: "fatal", error: { code: "tabs.newer_version", message: "reload", retryable: false } });
      assert.equal(listeners, 0);
    } finally {
      for (const name of ["addEventListener", "removeEventListener"]) delete globalThis[name];
    }
  });

  it("holds no signal of a listener that was taken away", async () => {
    const client = await opened();
    const { signal } = new AbortController();
    let listeners = 0;
    signal.addEventListener = () => (listeners += 1);
    signal.removeEventListener = () => (listeners -= 1);
    client.on("role", () => undefined, { signal })();
    assert.equal(listeners, 0);
    await client.close();
  });
});

describe("diagnostics", () => {
  const SECRETS = {
    inboxId: INBOX,
    address: ADDRESS.slice(2),
    text: "meet me at the old oak",
    name: "Conspirators",
    conversation: "c0ffee".repeat(5),
    key: "7f".repeat(32),
    token: "s3cr3t-token",
    path: "my-diary",
    member: "deadbeef".repeat(8),
  };

  async function troubled() {
    account.group(SECRETS.conversation, { name: SECRETS.name });
    const client = await opened({
      apiUrl: `https://user:${SECRETS.token}@node.example/${SECRETS.token}?key=${SECRETS.token}`,
      dbPath: SECRETS.path,
      dbEncryptionKey: new Uint8Array(32).fill(0x7f),
      appVersion: "app/1.0",
    });
    const shown = await client.conversations.getConversationById(SECRETS.conversation);
    account.overrides["group.sendContent"] = ({ content }) => {
      throw { code: "network.unavailable", message: `could not send ${content} to ${SECRETS.member}`, retryable: true };
    };
    await assert.rejects(shown.sendText(SECRETS.text));
    await client.conversations.streamAllMessages();
    for (const { send } of account.streams()) send({ event: "error", error: { code: "storage.corrupt", message: SECRETS.text, retryable: false } });
    return client;
  }

  /** Whether a secret or eight characters of it in a row are in a text. */
  function leaks(text, secret) {
    for (let start = 0; start + 8 <= secret.length; start += 1) if (text.includes(secret.slice(start, start + 8))) return true;
    return false;
  }

  it("say what helps", async () => {
    const client = await troubled();
    account.workers[0].post({ type: "role", role: "leader" });
    const found = await client.diagnostics();
    assert.equal(found.versions.protocol, "1.0.0");
    assert.equal(found.versions.app, "app/1.0");
    assert.equal(found.node, "https://node.example");
    assert.deepEqual([found.env, found.tab, found.connection, found.isRegistered, found.ended], ["dev", "leader", "connected", true, undefined]);
    assert.deepEqual([found.storage.kind, found.storage.bytes], ["opfs", 81_920]);
    assert.deepEqual([found.counts.groups, found.counts.openStreams], [1, 1]);
    assert.deepEqual(
      found.recentErrors.map(({ code, during }) => [code, during]),
      [["network.unavailable", "group.sendContent"], ["storage.corrupt", "stream allMessages"]],
    );
    assert.ok(found.recentErrors.every(({ at }) => Math.abs(at - Date.now()) < 60_000));
    await client.close();
  });

  it("hold no keys, no texts, no names and no whole ids", async () => {
    const client = await troubled();
    const text = JSON.stringify(await client.diagnostics());
    for (const [name, secret] of Object.entries(SECRETS)) {
      // A test of the test: eight characters of it would be found.
      assert.ok(leaks(`x${secret.slice(-8)}y`, secret), name);
      assert.ok(!leaks(text.toLowerCase(), secret.toLowerCase()), `${name} is in ${text}`);
    }
    assert.ok(text.includes(`${INBOX.slice(0, 4)}…${INBOX.slice(-4)}`));
    await client.close();
  });

  it("are there after the client has ended, and while its worker hangs", async (test) => {
    const client = await troubled();
    for (const method of ["client.isRegistered", "client.connectionState", "client.counts"]) account.overrides[method] = never;
    test.mock.timers.enable({ apis: ["setTimeout"] });
    const hanging = client.diagnostics();
    test.mock.timers.tick(2_000);
    const { counts, connection } = await hanging;
    assert.deepEqual([counts.groups, connection, counts.pendingCalls], [undefined, undefined, 0]);
    test.mock.timers.reset();
    account.workers[0].post({ type: "fatal", error: { code: "internal", message: SECRETS.text, retryable: false } });
    const after = await client.diagnostics();
    assert.equal(after.ended, "internal");
    assert.deepEqual(after.recentErrors.at(-1).code, "internal");
  });

  it("remember the newest twenty errors", async () => {
    const client = await opened();
    account.overrides["conversations.sync"] = () => {
      throw { code: "network.timeout", message: "late", retryable: true };
    };
    for (let turn = 0; turn < 25; turn += 1) await assert.rejects(client.conversations.sync());
    assert.equal((await client.diagnostics()).recentErrors.length, 20);
    await client.close();
  });
});
