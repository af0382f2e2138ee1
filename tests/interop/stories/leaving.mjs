// 9. Who asks to leave is taken out by a super admin's client.
import assert from "node:assert/strict";
import { eventually } from "../support/person.mjs";
import { assertSameGroup, DIRECTIONS, story, syncAll } from "../support/stage.mjs";

story(9, "a member leaves", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob, carol } = await cast({ alice: following, bob: acting, carol: following });
  const group = await alice.createGroup([bob, carol], { groupName: "Not for long" });
  await syncAll(group, [bob, carol]);
  await bob.say(group, "goodbye");
  await assert.rejects(alice.leave(group), "a super admin may not just leave");
  assert.equal(await bob.isLeaving(group), false);
  await bob.leave(group);
  assert.equal(await bob.isLeaving(group), true);
  assert.equal((await bob.describe(group)).active, true, "until somebody takes him out");

  // The super admin's client does it by itself once it has read the request.
  await eventually("bob is out", async () => {
    await syncAll(group, [alice, carol]);
    return !(await alice.memberInboxes(group)).includes(bob.inboxId);
  });
  await syncAll(group, [bob]).catch(() => undefined);
  await syncAll(group, [carol]);
  assert.equal((await bob.describe(group)).active, false);
  assert.deepEqual(await alice.memberInboxes(group), [alice.inboxId, carol.inboxId].sort());
  for (const person of [alice, carol]) {
    const last = (await person.changes(group)).at(-1).changes;
    assert.deepEqual([last.left, last.removed], [[bob.inboxId], []], `${person.name} (${person.side}): he left, and was not thrown out`);
  }
  await alice.say(group, "he is gone");
  await syncAll(group, [bob]).catch(() => undefined);
  assert.ok(!(await bob.texts(group)).includes("he is gone"));
  await assertSameGroup(group, [alice, carol]);

  // He may come back.
  await alice.addByInbox(group, bob);
  await syncAll(group, [bob, carol]);
  assert.equal((await bob.describe(group)).active, true);
  assert.equal(await bob.isLeaving(group), false);
  await bob.say(group, "back again");
  await syncAll(group, [alice, carol]);
  for (const person of [alice, bob, carol]) assert.equal((await person.texts(group)).at(-1), "back again", `${person.name} (${person.side})`);
});
