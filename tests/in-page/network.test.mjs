// `xmtp-web/testing`: a network in the page, in a real browser and with no node running.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { openPages } from "./support.mjs";

describe("a network in the page", { timeout: 180_000 }, () => {
  let pages, page;
  before(async () => (pages = await openPages()));
  after(() => pages?.close());
  beforeEach(async () => (page = await pages.page()));
  afterEach(() => page.close());

  it("lets two accounts chat, live, and nothing is asked of any server but that of the page's files", async () => {
    const heard = await page.run(async () => {
      const network = await window.createTestNetwork();
      const [alice, bob] = await Promise.all([window.open(network.options), window.open(network.options)]);
      const next = window.texts(await bob.conversations.streamAllMessages());
      const answers = window.texts(await alice.conversations.streamAllMessages());
      const group = await alice.conversations.createGroup([bob.inboxId], { groupName: "Lunch" });
      await group.sendText("Soup or noodles?");
      const { content, conversationId } = await next();
      const joined = await bob.conversations.getConversationById(conversationId);
      await joined.sendText("Noodles");
      let answer;
      do answer = (await answers()).content;
      while (answer === content);
      const calls = await network.calls();
      await Promise.all([alice.close(), bob.close()]);
      await network.close();
      return { content, answer, name: joined.name, welcomes: calls.SendWelcomeMessages };
    });
    assert.deepEqual(heard, { content: "Soup or noodles?", answer: "Noodles", name: "Lunch", welcomes: 1 });
    assert.deepEqual(page.requests.filter((url) => !url.startsWith(`${pages.url}/`) && !url.startsWith("data:")), []);
  });

  it("serves calls without a client, and two networks know nothing of each other", async () => {
    const found = await page.run(async () => {
      const [one, other] = await Promise.all([window.createTestNetwork(), window.createTestNetwork()]);
      const alice = await window.open(one.options);
      const asked = [alice.accountIdentifier];
      const reached = async (network) => [...(await window.xmtp.Client.canMessage(asked, network.networkOptions)).values()];
      const answers = [await reached(one), await reached(other)];
      await alice.close();
      await one.reset();
      answers.push(await reached(one));
      await Promise.all([one.close(), other.close()]);
      return answers;
    });
    assert.deepEqual(found, [[true], [false], [false]]);
  });

  it("lets in who has nothing but a key: it signs for its address", async () => {
    const seen = await page.run(async () => {
      const network = await window.createTestNetwork();
      // The first account of Hardhat and Anvil.
      const signer = window.xmtp.createEOASigner("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
      const people = [await window.xmtp.Client.create(signer, network.options), await window.xmtp.Client.create(window.xmtp.createEOASigner(), network.options)];
      const reachable = await people[1].canMessage([people[0].accountIdentifier]);
      const wrong = window.xmtp.createEOASigner(`0x${"0".repeat(64)}`);
      const refused = await Promise.resolve(wrong.getIdentifier()).catch(({ code }) => code);
      for (const person of people) await person.close();
      await network.close();
      return { address: people[0].accountIdentifier.identifier, reachable: [...reachable], refused };
    });
    const address = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
    assert.deepEqual(seen, { address, reachable: [[address, true]], refused: "argument.invalid" });
  });

  it("counts as the client counts: the statistics of its traffic are what the node has seen", async () => {
    const seen = await page.run(async () => {
      const network = await window.createTestNetwork();
      const alice = await window.open(network.options);
      const group = await alice.conversations.createGroup([]);
      await network.addFaults({ method: "SendGroupMessages", fault: { kind: "drop_answer" }, times: 1 });
      await group.sendText("one");
      const counted = { ...(await alice.debugInformation.apiStatistics()), ...(await alice.debugInformation.apiIdentityStatistics()) };
      const calls = await network.calls();
      const text = await alice.debugInformation.apiAggregateStatistics();
      await alice.debugInformation.clearAllStatistics();
      const cleared = (await alice.debugInformation.apiStatistics()).sendGroupMessages;
      await alice.close();
      await network.close();
      const NAMES = {
        uploadKeyPackage: "UploadKeyPackage", sendGroupMessages: "SendGroupMessages", queryGroupMessages: "QueryGroupMessages",
        queryWelcomeMessages: "QueryWelcomeMessages", publishIdentityUpdate: "PublishIdentityUpdate",
        getIdentityUpdatesV2: "GetIdentityUpdates", getInboxIds: "GetInboxIds",
      };
      const both = Object.entries(NAMES).map(([field, name]) => [field, Number(counted[field]), calls[name] ?? 0]);
      return { both, text, cleared: Number(cleared) };
    });
    for (const [field, ours, node] of seen.both) assert.equal(ours, node, field);
    const sends = seen.both.find(([field]) => field === "sendGroupMessages")[1];
    assert.ok(sends >= 2, `${sends} sends`);
    assert.match(seen.text, new RegExp(`^SendGroupMessages +${sends}$`, "m"));
    assert.equal(seen.cleared, 0);
  });

  it("loses answers and refuses for a limit: the message arrives, and once", async () => {
    const seen = await page.run(async () => {
      const network = await window.createTestNetwork();
      const [alice, bob] = await Promise.all([window.open(network.options), window.open(network.options)]);
      const group = await alice.conversations.createGroup([bob.inboxId]);
      await network.addFaults({ method: "SendGroupMessages", fault: { kind: "drop_answer" }, times: 1 });
      await group.sendText("one");
      await network.limitRate("SendGroupMessages", 1);
      await group.sendText("two");
      const calls = await network.calls();
      await bob.conversations.syncAll();
      const [joined] = await bob.conversations.list();
      const messages = await joined.messages();
      await Promise.all([alice.close(), bob.close()]);
      await network.close();
      return { texts: messages.filter(window.xmtp.isText).map((message) => message.content), sends: calls.SendGroupMessages };
    });
    assert.deepEqual(seen.texts, ["one", "two"]);
    assert.ok(seen.sends >= 4, `${seen.sends} sends`);
  });

  it("goes away and comes back: calls fail as retryable, streams take up where they were", async () => {
    const seen = await page.run(async () => {
      const network = await window.createTestNetwork();
      const [alice, bob] = await Promise.all([window.open(network.options), window.open(network.options)]);
      const next = window.texts(await bob.conversations.streamAllMessages());
      const group = await alice.conversations.createGroup([bob.inboxId]);
      await group.sendText("before");
      const texts = [(await next()).content];
      await network.setOnline(false);
      const failure = await window.xmtp.Client.canMessage([bob.accountIdentifier], network.networkOptions).catch((error) => error);
      await network.setOnline(true);
      window.dispatchEvent(new Event("online"));
      await group.sendText("after");
      texts.push((await next()).content);
      await Promise.all([alice.close(), bob.close()]);
      await network.close();
      return { texts, code: failure.code, retryable: failure.retryable };
    });
    assert.deepEqual(seen, { texts: ["before", "after"], code: "network.unavailable", retryable: true });
  });

  it("has a clock that is moved", async () => {
    const apart = await page.run(async () => {
      const network = await window.createTestNetwork();
      const [alice, bob] = await Promise.all([window.open(network.options), window.open(network.options)]);
      const group = await alice.conversations.createGroup([bob.inboxId]);
      await group.sendText("today");
      await network.advanceClock(86_400_000);
      await group.sendText("tomorrow");
      await bob.conversations.syncAll();
      const [joined] = await bob.conversations.list();
      const [today, tomorrow] = (await joined.messages()).filter(window.xmtp.isText);
      await Promise.all([alice.close(), bob.close()]);
      await network.close();
      return Number((tomorrow.sentAtNs - today.sentAtNs) / 3_600_000_000_000n);
    });
    assert.equal(apart, 24);
  });

  it("that was closed answers nobody, and a rule that is wrong is refused", async () => {
    const codes = await page.run(async () => {
      const code = (promise) => promise.then(() => "fine", (error) => error.code);
      const network = await window.createTestNetwork();
      const wrong = await code(network.addFaults({ method: "*", fault: { kind: "sleep" } }));
      const alice = await window.open(network.options);
      const { options } = network;
      await network.close();
      await network.close();
      return [wrong, await code(alice.conversations.sync()), await code(window.open(options)), await code(network.calls())];
    });
    assert.deepEqual(codes, ["argument.invalid", "network.unavailable", "client.closed", "client.closed"]);
  });
});
