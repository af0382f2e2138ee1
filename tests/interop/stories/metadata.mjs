// 6. Fields and roles, changed by each side.
import assert from "node:assert/strict";
import { assertSameGroup, DIRECTIONS, story, syncAll } from "../support/stage.mjs";

const FIELDS = {
  name: ["Lunch", "Dinner 🍽", ""],
  description: ["At twelve", "At eight\nsharp", ""],
  imageUrl: ["https://example.org/soup.png", "https://example.org/noodles.png?size=2", ""],
  appData: ["{\"v\":1}", "x".repeat(8192), ""],
};

story(6, "name, description, image, app data", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob } = await cast({ alice: acting, bob: following });
  const group = await alice.createGroup([bob]);
  await syncAll(group, [bob]);
  for (const [field, values] of Object.entries(FIELDS)) {
    for (const value of values) {
      await alice.update(group, field, value);
      await bob.syncGroup(group);
      assert.equal((await bob.describe(group))[field], value, field);
    }
  }
  // The default rules let every member do it.
  await bob.rename(group, "Bob's name for it");
  await bob.update(group, "description", "Bob's words");
  await syncAll(group, [alice, bob]);
  const seen = await assertSameGroup(group, [alice, bob]);
  assert.equal(seen.name, "Bob's name for it");

  // Both at once: one wins, the other tries again on top of it; both end equal.
  await Promise.all([alice.rename(group, "Alice's"), bob.update(group, "description", "Bob's second")]);
  await syncAll(group, [alice, bob]);
  const both = await assertSameGroup(group, [alice, bob]);
  assert.deepEqual([both.name, both.description], ["Alice's", "Bob's second"]);

  const fields = (messages) => messages.flatMap(({ changes }) => changes.fields.map((change) => [changes.by, ...change]));
  const told = fields(await alice.changes(group));
  assert.deepEqual(fields(await bob.changes(group)), told);
  assert.deepEqual(told.slice(0, 2), [
    [alice.inboxId, "group_name", "", "Lunch"],
    [alice.inboxId, "group_name", "Lunch", "Dinner 🍽"],
  ]);
});

story(6, "admins and super admins", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob, carol } = await cast({ alice: acting, bob: following, carol: acting });
  const all = [alice, bob, carol];
  const group = await alice.createGroup([bob, carol]);
  await syncAll(group, all);
  // Not yet.
  await assert.rejects(bob.removeByInbox(group, carol), "a member may not remove");
  await assert.rejects(bob.addAdmin(group, bob), "a member may not make himself admin");
  await assert.rejects(bob.addSuperAdmin(group, bob), "a member may not make himself super admin");
  await syncAll(group, all);
  await assertSameGroup(group, all);

  await alice.addAdmin(group, bob);
  await syncAll(group, all);
  assert.deepEqual((await assertSameGroup(group, all)).admins, [bob.inboxId]);
  await bob.removeByInbox(group, carol);
  await bob.addByInbox(group, carol);
  await assert.rejects(bob.addSuperAdmin(group, bob), "an admin may not make himself super admin");
  // Released clients publish this one and then refuse it themselves.
  await assert.rejects(bob.removeByInbox(group, alice), "nobody removes a super admin");
  await alice.syncGroup(group);
  await alice.addSuperAdmin(group, bob);
  await alice.removeAdmin(group, bob);
  await syncAll(group, all);
  const raised = await assertSameGroup(group, all);
  assert.deepEqual([raised.admins, raised.superAdmins], [[], [alice.inboxId, bob.inboxId].sort()]);

  // Now Bob's side acts as super admin, Alice's follows.
  await bob.addAdmin(group, carol);
  await bob.removeSuperAdmin(group, alice);
  await syncAll(group, all);
  const turned = await assertSameGroup(group, all);
  assert.deepEqual([turned.admins, turned.superAdmins], [[carol.inboxId], [bob.inboxId]]);
  await assert.rejects(alice.removeSuperAdmin(group, bob), "no longer hers to say");
  await bob.removeAdmin(group, carol);
  await bob.addSuperAdmin(group, alice);
  await syncAll(group, all);
  const back = await assertSameGroup(group, all);
  assert.deepEqual([back.admins, back.superAdmins], [[], [alice.inboxId, bob.inboxId].sort()]);

  const roles = (messages) => messages.map(({ id, changes }) => [id, changes.admins, changes.superAdmins]);
  assert.deepEqual(roles((await alice.changes(group)).slice(1)), roles((await bob.changes(group)).slice(1)));
});
