// 8. Following while the other acts, and catching up after a long absence.
import assert from "node:assert/strict";
import { eventually } from "../support/person.mjs";
import { assertSameGroup, assertSameTalk, DIRECTIONS, story, syncAll } from "../support/stage.mjs";

const BACKLOG = 1_000;
/** One change of the group after so many messages. */
const CHANGE_EVERY = 50;

story(8, "streams while the other acts", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob } = await cast({ alice: acting, bob: following });
  const before = await alice.createGroup([bob], { groupName: "There before" });
  await syncAll(before, [bob]);
  await bob.listen();
  await alice.listen();

  const during = await alice.createGroup([bob], { groupName: "Made meanwhile" });
  await bob.hears("conversation", (id) => id === during);
  const expected = [];
  for (let number = 1; number <= 20; number++) {
    const group = number % 2 ? before : during;
    expected.push(await alice.say(group, `live ${number}`));
    if (number === 10) await alice.rename(before, "Renamed meanwhile");
  }
  for (const id of expected) await bob.hears("message", (message) => message.id === id);
  await bob.hears("message", (message) => message.changes?.fields.some(([, , name]) => name === "Renamed meanwhile"));
  const heard = bob.heard("message").filter((message) => message.kind === "said");
  assert.equal(new Set(heard.map((message) => message.id)).size, heard.length, "nothing is heard twice");
  for (const group of [before, during]) {
    const texts = heard.filter((message) => message.conversation === group).map((message) => message.text);
    assert.deepEqual(texts, (await alice.texts(group)), "in the order in which it was said");
  }
  // The other way, on streams that have been open for a while.
  const answer = await bob.say(during, "all of it");
  await alice.hears("message", (message) => message.id === answer);
  assert.deepEqual([...alice.heard("error"), ...bob.heard("error")], []);
  await alice.stopListening();
  await bob.stopListening();
  await assertSameTalk(during, [alice, bob]);
  await assertSameTalk(before, [alice, bob]);
});

// As of `@xmtp/browser-sdk` 7.1.0; that of node-sdk syncs all conversations before, and tells only what comes after.
story(8, "what was said while nobody listened", [DIRECTIONS.peerActs], async ({ cast, acting, following }) => {
  const { alice, bob } = await cast({ alice: acting, bob: following });
  const group = await alice.createGroup([bob]);
  await alice.say(group, "before");
  await syncAll(group, [bob]);
  await bob.goAway();
  const missed = ["one", "two", "three"];
  for (const text of missed) await alice.say(group, text);
  await bob.comeBack();
  await bob.listen();
  const last = await alice.say(group, "live");
  await bob.hears("message", (message) => message.id === last);
  const heard = bob.heard("message").filter((message) => message.kind === "said").map((message) => message.text);
  assert.deepEqual(heard, [...missed, "live"]);
  assert.deepEqual(bob.heard("error"), []);
  await bob.stopListening();
});

story(8, `${BACKLOG} messages and ${Math.floor(BACKLOG / CHANGE_EVERY)} changes caught up at once`, [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob } = await cast({ alice: acting, bob: following });
  const group = await alice.createGroup([bob]);
  await alice.say(group, "see you");
  await syncAll(group, [bob]);
  await bob.goAway();
  for (let change = 1; change <= BACKLOG / CHANGE_EVERY; change++) {
    await alice.sayMany(group, Array.from({ length: CHANGE_EVERY }, (_, index) => `missed ${change}.${index}`));
    await alice.rename(group, `Name ${change}`);
  }
  // A group he does not know of yet waits for him too.
  const other = await alice.createGroup([bob], { groupName: "New" });
  await alice.say(other, "and here");
  await bob.comeBack();
  await bob.syncAll();
  assert.equal((await assertSameTalk(group, [alice, bob])).length, BACKLOG + 1);
  await assertSameTalk(other, [alice, bob]);
  const seen = await assertSameGroup(group, [alice, bob]);
  assert.equal(seen.name, `Name ${Math.floor(BACKLOG / CHANGE_EVERY)}`);
  await bob.say(group, "caught up");
  await alice.syncAll();
  await assertSameTalk(group, [alice, bob]);
});

// Receivers read a message of up to three epochs ago; what is older must be sent again: by the same call, or of ours by itself
// soon after it.
for (const behind of [2, 6]) {
  story(8, `a message of one who is ${behind} changes behind`, [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
    const { alice, bob } = await cast({ alice: acting, bob: following });
    const group = await alice.createGroup([bob]);
    await syncAll(group, [bob]);
    await bob.say(group, "here I am");
    await alice.syncGroup(group);
    for (let number = 1; number <= behind; number++) await alice.rename(group, `Name ${number}`);
    const id = await bob.say(group, "did I miss something?");
    assert.equal((await bob.said(group)).at(-1).status, 1, "its sender has sent it when the call has ended");
    // Bob does nothing more.
    const arrives = async () => {
      await alice.syncGroup(group);
      return (await alice.said(group)).at(-1).id === id;
    };
    if (bob.side === "xmtp-web") await eventually("it has arrived", arrives);
    else assert.ok(await arrives(), "it has arrived");
    assert.equal((await alice.said(group)).length, 2, "once");
    await bob.syncGroup(group);
    await assertSameGroup(group, [alice, bob]);
  });
}

story(8, "a message that comes late past an empty leaf", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob, carol } = await cast({ alice: acting, bob: following, carol: following });
  // In this order, so that the leaf of carol is before that of bob.
  const group = await alice.createGroup([carol]);
  await alice.addByInbox(group, bob);
  await syncAll(group, [bob]);
  await bob.say(group, "here I am");
  await alice.syncGroup(group);
  await alice.removeByInbox(group, carol);
  await syncAll(group, [bob]);
  await alice.rename(group, "Bob has not heard of this");
  const late = await bob.say(group, "in the epoch before");
  await syncAll(group, [alice]);
  assert.deepEqual(await alice.texts(group), ["here I am", ...(alice.peer?.countsLeaves ? [] : ["in the epoch before"])], `${alice.name} (${alice.side})`);
  assert.equal((await bob.said(group)).at(-1).id, late);
  // What comes in time is read by all.
  await syncAll(group, [bob]);
  await bob.say(group, "in this one");
  await syncAll(group, [alice]);
  assert.equal((await alice.texts(group)).at(-1), "in this one");
  await assertSameGroup(group, [alice, bob]);
});
