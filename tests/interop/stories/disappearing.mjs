// 6 and 9. Messages that disappear: the setting is the same on both sides, and they go on both.
import assert from "node:assert/strict";
import { eventually } from "../support/person.mjs";
import { DIRECTIONS, story, syncAll } from "../support/stage.mjs";

const SECOND_NS = 1_000_000_000n;
const HOUR = (3_600n * SECOND_NS).toString();
/** Long enough that a busy machine looks at a message before it has gone. */
const LIFE_NS = 10n * SECOND_NS;

story(6, "disappearing settings", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob } = await cast({ alice: acting, bob: following });
  const from = (BigInt(Date.now()) * 1_000_000n).toString();
  const both = async (group, expected) => {
    await syncAll(group, [alice, bob]);
    for (const person of [alice, bob]) assert.deepEqual(await person.disappearing(group), expected, `${person.name} (${person.side})`);
  };
  const group = await alice.createGroup([bob]);
  await both(group, { enabled: false });
  await alice.setDisappearing(group, from, HOUR);
  await both(group, { settings: { from, in: HOUR }, enabled: true });
  // By the default rules a plain member may not; an admin may.
  await assert.rejects(bob.setDisappearing(group, from, "1"));
  await alice.addAdmin(group, bob);
  await syncAll(group, [bob]);
  await bob.stopDisappearing(group);
  await both(group, { settings: { from: "0", in: "0" }, enabled: false });
  await bob.setDisappearing(group, from, "5");
  await both(group, { settings: { from, in: "5" }, enabled: true });
  // Set from the beginning, in a group and between two.
  const messageDisappearingSettings = { fromNs: { big: from }, inNs: { big: HOUR } };
  await both(await alice.createGroup([bob], { messageDisappearingSettings }), { settings: { from, in: HOUR }, enabled: true });
  const dm = await alice.createDm(bob, { messageDisappearingSettings });
  await both(dm, { settings: { from, in: HOUR }, enabled: true });
  await bob.stopDisappearing(dm);
  await both(dm, { settings: { from: "0", in: "0" }, enabled: false });
});

story(9, "messages disappear", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob } = await cast({ alice: acting, bob: following });
  const group = await alice.createGroup([bob]);
  await alice.say(group, "this one stays");
  await syncAll(group, [bob]);
  await alice.setDisappearing(group, SECOND_NS, LIFE_NS);
  await syncAll(group, [bob]);
  const fleeting = [await alice.say(group, "this one goes"), await bob.say(group, "so does this")];
  await syncAll(group, [alice, bob]);
  for (const person of [alice, bob]) {
    const said = await person.said(group);
    assert.deepEqual(said.map((message) => message.id).slice(1), fleeting, `${person.name} (${person.side}) has them`);
    assert.equal(said[0].expiresAt, undefined);
    for (const message of said.slice(1)) {
      const after = BigInt(message.expiresAt) - BigInt(message.sentAt);
      // Each counts from when it has processed the message.
      assert.ok(after > LIFE_NS - SECOND_NS && after < LIFE_NS + 10n * SECOND_NS, `${person.name} (${person.side}): ends ${after} ns after it was sent`);
    }
  }
  for (const person of [alice, bob]) {
    await eventually(`gone for ${person.name} (${person.side})`, async () => (await person.texts(group)).length === 1);
    assert.deepEqual(await person.texts(group), ["this one stays"]);
  }
  // Once it is switched off, what is said stays.
  await alice.stopDisappearing(group);
  await alice.say(group, "and this one stays again");
  await syncAll(group, [bob]);
  for (const person of [alice, bob]) {
    assert.equal((await person.said(group)).at(-1).expiresAt, undefined, `${person.name} (${person.side})`);
  }
});
