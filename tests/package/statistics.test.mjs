// `client.debugInformation`: how the page tells what the worker counts.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import * as api from "../../pkg/index.js";
import { Account } from "./support/played-worker.mjs";

const signer = api.createEOASigner(`0x${"ab".repeat(20)}`, () => new Uint8Array(65));

describe("the statistics of a client", () => {
  let account, client;
  beforeEach(async () => {
    account = new Account();
    globalThis.Worker = account.Worker;
    client = await api.Client.create(signer, { dbPath: null });
  });
  afterEach(async () => {
    await client.close();
    delete globalThis.Worker;
  });

  it("have the names of 7.1, and 0 for what was never asked", async () => {
    account.overrides["client.callCounts"] = () => new Map([["FetchKeyPackages", 2n], ["SubscribeGroupMessages", 1n], ["GetIdentityUpdates", 3n]]);
    assert.deepEqual(await client.debugInformation.apiStatistics(), {
      uploadKeyPackage: 0n, fetchKeyPackage: 2n, sendGroupMessages: 0n, sendWelcomeMessages: 0n,
      queryGroupMessages: 0n, queryWelcomeMessages: 0n, subscribeMessages: 1n, subscribeWelcomes: 0n,
    });
    assert.deepEqual(await client.debugInformation.apiIdentityStatistics(), {
      publishIdentityUpdate: 0n, getIdentityUpdatesV2: 3n, getInboxIds: 0n, verifySmartContractWalletSignature: 0n,
    });
  });

  it("are told as a text that names every call, the unforeseen ones too", async () => {
    account.overrides["client.callCounts"] = () => new Map([["SendGroupMessages", 12n], ["GetNewestGroupMessage", 4n]]);
    const lines = (await client.debugInformation.apiAggregateStatistics()).split("\n");
    assert.ok(lines.some((line) => /^SendGroupMessages +12$/.test(line)), lines.join("\n"));
    assert.ok(lines.some((line) => /^PublishIdentityUpdate +0$/.test(line)));
    assert.match(lines.at(-1), /^GetNewestGroupMessage +4$/);
  });

  it("are forgotten by the worker", async () => {
    account.overrides["client.clearCallCounts"] = () => undefined;
    await client.debugInformation.clearAllStatistics();
    assert.equal(account.asked.at(-1)[0], "client.clearCallCounts");
  });
});
