// 4. People come and go, by address and by inbox id.
import assert from "node:assert/strict";
import { assertSameGroup, assertSameTalk, DIRECTIONS, story, syncAll } from "../support/stage.mjs";

story(4, "members added and removed, by address and by inbox id", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob, carol, dave } = await cast({ alice: acting, bob: following, carol: acting, dave: following });
  const group = await alice.createGroup([bob]);
  await alice.say(group, "only the two of us");

  await alice.addByAddress(group, carol);
  await alice.addByInbox(group, dave);
  await syncAll(group, [alice, bob, carol, dave]);
  await dave.say(group, "hello from the last one in");
  await syncAll(group, [alice, bob, carol, dave]);
  await assertSameTalk(group, [alice, bob]);
  // Who came later has nothing of before.
  for (const late of [carol, dave]) assert.deepEqual(await late.texts(group), ["hello from the last one in"]);
  const seen = await assertSameGroup(group, [alice, bob, carol, dave]);
  assert.equal(seen.members.length, 4);

  // Removed, one by each way; they keep what they had and get nothing more.
  await alice.removeByInbox(group, dave);
  await alice.removeByAddress(group, carol);
  await bob.syncGroup(group);
  await bob.say(group, "they cannot read this");
  await alice.say(group, "nor this");
  await syncAll(group, [alice, bob, carol, dave]);
  for (const gone of [carol, dave]) {
    assert.deepEqual(await gone.texts(group), ["hello from the last one in"]);
    assert.equal((await gone.describe(group)).active, false);
    await assert.rejects(gone.say(group, "let me in"), `${gone.name} cannot write any more`);
  }
  assert.deepEqual(await alice.memberInboxes(group), [alice.inboxId, bob.inboxId].sort());
  await assertSameGroup(group, [alice, bob]);

  // Added again: only what is new.
  await alice.addByInbox(group, dave);
  await alice.addByAddress(group, carol);
  await alice.say(group, "welcome back");
  await syncAll(group, [alice, bob, carol, dave]);
  for (const back of [carol, dave]) {
    const texts = await back.texts(group);
    assert.ok(texts.includes("welcome back") && !texts.includes("nor this") && !texts.includes("they cannot read this"), texts.join("; "));
    assert.equal((await back.describe(group)).active, true);
  }
  await dave.say(group, "back again");
  await carol.say(group, "me too");
  await syncAll(group, [alice, bob, carol, dave]);
  const talk = await assertSameTalk(group, [alice, bob]);
  assert.deepEqual(talk.map((message) => message.text), [
    "only the two of us", "hello from the last one in", "they cannot read this", "nor this", "welcome back", "back again", "me too",
  ]);
  for (const back of [carol, dave]) {
    assert.deepEqual((await back.texts(group)).slice(-3), ["welcome back", "back again", "me too"]);
  }
  await assertSameGroup(group, [alice, bob, carol, dave]);

  // The lines about it are the same for those who were there all the time, ids and times included.
  const shape = (messages) => messages.map(({ id, changes, sentAt }) => ({ id, changes, sentAt }));
  const told = shape(await alice.changes(group)).slice(1);
  assert.deepEqual(shape(await bob.changes(group)).slice(1), told);
  assert.deepEqual(told.map(({ changes }) => [changes.added, changes.removed]), [
    [[carol.inboxId], []], [[dave.inboxId], []], [[], [dave.inboxId]], [[], [carol.inboxId]], [[dave.inboxId], []], [[carol.inboxId], []],
  ]);
});
