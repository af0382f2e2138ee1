// 3. Direct messages: made by one, and by both at once.
import assert from "node:assert/strict";
import { assertSameTalk, DIRECTIONS, story, syncAll } from "../support/stage.mjs";

story(3, "a direct message made by one", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob } = await cast({ alice: acting, bob: following });
  const dm = await alice.createDm(bob);
  await alice.say(dm, "just the two of us");
  await syncAll(dm, [bob]);
  assert.deepEqual(await alice.dms(), [{ id: dm, peer: bob.inboxId }]);
  assert.deepEqual(await bob.dms(), [{ id: dm, peer: alice.inboxId }]);
  await bob.say(dm, "nobody else");
  await syncAll(dm, [alice]);
  const talk = await assertSameTalk(dm, [alice, bob]);
  assert.deepEqual(talk.map((message) => message.text), ["just the two of us", "nobody else"]);

  // Asked for again, by either and in either way, it is the one that is there.
  assert.equal(await alice.createDm(bob), dm);
  assert.equal(await bob.createDm(alice), dm);
  assert.equal(await bob.createDmByAddress(alice), dm);
  assert.equal(await alice.dmWith(bob), dm);
  assert.equal(await bob.dmWith(alice), dm);
  // Nobody is over the other: no roles, and no third.
  for (const person of [alice, bob]) {
    const members = await person.members(dm);
    assert.deepEqual(members.map((member) => member.inboxId), [alice.inboxId, bob.inboxId].sort());
    assert.deepEqual(members.map((member) => member.level), [0, 0], `${person.name} (${person.side})`);
  }
});

story(3, "a direct message made by both at once", [DIRECTIONS.both], async ({ cast }) => {
  const { ours, theirs } = await cast({ ours: "ours", theirs: "peer" });
  const [byUs, byThem] = await Promise.all([ours.createDm(theirs), theirs.createDm(ours)]);
  assert.notEqual(byUs, byThem, "two MLS groups");
  await ours.say(byUs, "I made one");
  await theirs.say(byThem, "so did I");
  await ours.syncAll();
  await theirs.syncAll();

  // One conversation on both sides, under the id of either, with what was said in both.
  const expected = ["I made one", "so did I"];
  for (const person of [ours, theirs]) {
    assert.equal((await person.dms()).length, 1, `${person.name} (${person.side}) has one conversation`);
    for (const id of [byUs, byThem]) {
      assert.deepEqual((await person.texts(id)).sort(), expected, `${person.name} (${person.side})`);
    }
    const other = person === ours ? theirs : ours;
    const chosen = await person.dmWith(other);
    assert.equal(await person.createDm(other), chosen, "the one that writing goes to");
    assert.deepEqual(await person.duplicateDms(chosen), [byUs, byThem].filter((id) => id !== chosen));
  }
  // Whichever each of them writes in, the other has it in the same conversation.
  await ours.say(await ours.dmWith(theirs), "is it one?");
  await theirs.syncAll();
  await theirs.say(await theirs.dmWith(ours), "it is");
  await ours.syncAll();
  for (const person of [ours, theirs]) {
    for (const id of [byUs, byThem]) assert.deepEqual((await person.texts(id)).slice(-2), ["is it one?", "it is"], `${person.name} (${person.side})`);
  }
  await assertSameTalk(byUs, [ours, theirs]);
  await assertSameTalk(byThem, [ours, theirs]);
});
