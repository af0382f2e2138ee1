// 11. Key packages: renewed after use, expired, and expired since.
import assert from "node:assert/strict";
import { eventually } from "../support/person.mjs";
import { assertSameGroup, assertSameTalk, DIRECTIONS, story, syncAll } from "../support/stage.mjs";

/** Seconds a short-lived key package is good for. */
const SHORT = 2;
const expired = async (package_) => eventually("the key package has expired", () => Date.now() / 1000 > package_.notAfter + 1);
const installations = (seen, person) => seen.members.find((member) => member.inboxId === person.inboxId).installations;

story(11, "an installation without a usable key package", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob, old } = await cast({ alice: acting, bob: following, old: "forger" });
  await expired(await old.offer(SHORT));
  const group = await alice.createGroup([bob]);
  await syncAll(group, [bob]);
  for (const person of [alice, bob]) {
    const status = (await person.keyPackages(old))[old.installationId];
    assert.ok(status.error, `${person.name} (${person.side}) sees that it has expired: ${JSON.stringify(status)}`);
    await assert.rejects(person.addByInbox(group, old), `${person.name} (${person.side}): nobody can be added by it`);
  }
  await syncAll(group, [alice, bob]);
  await assertSameGroup(group, [alice, bob]);

  // Of two installations the one that can be added is; the other is listed as failed, and all agree.
  const { fresh } = await cast({ fresh: ["forger", old.wallet] });
  assert.equal(fresh.inboxId, old.inboxId);
  await alice.addByInbox(group, fresh);
  await syncAll(group, [alice, bob, fresh]);
  for (const person of [alice, bob, fresh]) await person.say(group, `${person.name} is here`);
  await syncAll(group, [alice, bob, fresh]);
  await assertSameGroup(group, [alice, bob]);
  const talk = await assertSameTalk(group, [alice, bob, fresh]);
  assert.equal(talk.length, 3);
  // The list is part of the context, which is equal for all of an epoch.
  assert.deepEqual(await fresh.failed(group), [old.installationId]);
  assert.equal(await alice.epoch(group), await fresh.epoch(group));
  assert.equal(await bob.epoch(group), await fresh.epoch(group));
  await old.syncAll();
  assert.deepEqual(await old.groups(), []);
  // The next changes, by either, keep it so.
  await bob.rename(group, "One of two");
  await syncAll(group, [alice, bob, fresh]);
  await alice.removeByInbox(group, fresh);
  await syncAll(group, [alice, bob]);
  const left = await assertSameGroup(group, [alice, bob]);
  assert.deepEqual(left.members.map((member) => member.inboxId), [alice.inboxId, bob.inboxId].sort());
  // And with a new key package it can be added.
  await old.offer(3_600);
  assert.ok((await alice.keyPackages(old))[old.installationId].until > Date.now() / 1000);
  await alice.addByInbox(group, old);
  await syncAll(group, [bob, old]);
  await old.say(group, "both of us");
  await syncAll(group, [alice, bob, fresh]);
  for (const person of [alice, bob, fresh]) assert.equal((await person.texts(group)).at(-1), "both of us", `${person.name} (${person.side})`);
});

story(11, "a change read after the key package in it has expired", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob, mallory } = await cast({ alice: acting, bob: following, mallory: "forger" });
  const group = await alice.createGroup([bob]);
  await alice.say(group, "see you");
  await syncAll(group, [bob]);
  await bob.goAway();
  const offered = await mallory.offer(SHORT + 3);
  await alice.addByInbox(group, mallory);
  await alice.rename(group, "Changed after it");
  await expired(offered);
  await alice.say(group, "he reads this late");

  // Everybody else is past it: who refuses it now is alone.
  await bob.comeBack();
  await bob.syncAll();
  await assertSameGroup(group, [alice, bob]);
  assert.deepEqual(await bob.texts(group), ["see you", "he reads this late"]);
  // Who joins late joins all the same, and goes on in a tree with the old leaf.
  await syncAll(group, [mallory]);
  await bob.rename(group, "Changed by bob");
  await syncAll(group, [alice, mallory]);
  for (const person of [alice, bob, mallory]) {
    await person.say(group, `${person.name} is here`);
    await syncAll(group, [alice, bob, mallory]);
  }
  await assertSameTalk(group, [alice, bob]);
  assert.equal((await assertSameGroup(group, [alice, bob])).name, "Changed by bob");
  const { carol } = await cast({ carol: following });
  await bob.addByInbox(group, carol);
  await syncAll(group, [alice, carol, mallory]);
  await carol.say(group, "room for one more");
  await syncAll(group, [alice, bob, mallory]);
  for (const person of [alice, bob, mallory]) assert.equal((await person.texts(group)).at(-1), "room for one more", `${person.name} (${person.side})`);
  const seen = await assertSameGroup(group, [alice, bob, carol]);
  assert.deepEqual(installations(seen, mallory), [mallory.installationId]);
});

story(11, "key packages are renewed once they were used", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob } = await cast({ alice: following, bob: acting });
  const status = async () => (await alice.keyPackages(bob))[bob.installationId];
  const first = await status();
  // Clients take an hour for clocks that are behind, and 84 days from now on.
  assert.equal(first.until - first.from, 84 * 24 * 3_600 + 3_600);
  const group = await alice.createGroup([bob]);
  await alice.say(group, "sealed to the first");
  await syncAll(group, [bob]);
  let second;
  await eventually(`${bob.name} (${bob.side}) has renewed its key package`, async () => {
    await bob.syncAll();
    second = await status();
    return second.from !== first.from;
  });
  assert.equal(second.until - second.from, first.until - first.from);
  const next = await alice.createGroup([bob]);
  await alice.say(next, "sealed to the second");
  await syncAll(next, [bob]);
  assert.deepEqual([await bob.texts(group), await bob.texts(next)], [["sealed to the first"], ["sealed to the second"]]);
});
