// 6. Who may do what: every option that can be set, as both sides read it and as it is kept.
import assert from "node:assert/strict";
import { assertSameGroup, DIRECTIONS, story, syncAll } from "../support/stage.mjs";

/** Numbers of `PermissionUpdateType`, `PermissionPolicy`, `MetadataField` and `GroupPermissionsOptions`, which both packages share. */
const TYPE = { addMember: 0, removeMember: 1, addAdmin: 2, removeAdmin: 3, field: 4 };
const POLICY = { allow: 0, deny: 1, admin: 2, superAdmin: 3 };
const FIELD = { appData: 0, description: 1, name: 2, imageUrl: 3, disappearFrom: 4, disappearIn: 5 };
const PRESET = { default: 0, adminOnly: 1, custom: 2 };

/** Every option with what a reader finds in which part of the policy set: [type, policy, field, part, expected]. */
const OPTIONS = [
  ...Object.values(POLICY).flatMap((policy) => [
    [TYPE.addMember, policy, undefined, "addMember", policy],
    [TYPE.removeMember, policy, undefined, "removeMember", policy],
    // Who appoints admins is never everybody: for released clients the option means super admins there.
    [TYPE.addAdmin, policy, undefined, "addAdmin", policy === POLICY.allow ? POLICY.superAdmin : policy],
    [TYPE.removeAdmin, policy, undefined, "removeAdmin", policy === POLICY.allow ? POLICY.superAdmin : policy],
    [TYPE.field, policy, FIELD.name, "updateGroupName", policy],
    [TYPE.field, policy, FIELD.description, "updateGroupDescription", policy],
    [TYPE.field, policy, FIELD.imageUrl, "updateGroupImageUrlSquare", policy],
    [TYPE.field, policy, FIELD.appData, "updateAppData", policy],
    [TYPE.field, policy, FIELD.disappearIn, "updateMessageDisappearing", undefined],
    [TYPE.field, policy, FIELD.disappearFrom, "updateMessageDisappearing", policy],
  ]),
];

story(6, "every permission option", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob } = await cast({ alice: acting, bob: following });
  const group = await alice.createGroup([bob]);
  await syncAll(group, [bob]);
  assert.equal((await bob.permissions(group)).policyType, PRESET.default);
  for (const [type, policy, field, part, expected] of OPTIONS) {
    if (expected !== undefined && expected !== policy && alice.side === "xmtp-web") {
      // Ours says so instead of doing something else than it was told.
      await assert.rejects(alice.updatePermission(group, type, policy, field), /argument\.unsupported/);
      continue;
    }
    await alice.updatePermission(group, type, policy, field);
    const own = (await alice.permissions(group)).policySet;
    if (expected !== undefined) assert.equal(own[part], expected, `${part}: ${policy}`);
    await bob.syncGroup(group);
    assert.deepEqual((await bob.permissions(group)).policySet, own, `${part}: ${policy}`);
  }
  await assertSameGroup(group, [alice, bob]);
  assert.deepEqual(await bob.permissions(group), await alice.permissions(group));
  assert.equal((await bob.permissions(group)).policyType, PRESET.custom);
});

story(6, "permissions are kept", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob, carol, dave } = await cast({ alice: acting, bob: following, carol: acting, dave: following });
  const all = [alice, bob, carol];
  const group = await alice.createGroup([bob, carol], { permissions: PRESET.adminOnly, groupName: "Strict" });
  await syncAll(group, all);
  for (const person of all) assert.equal((await person.permissions(group)).policyType, PRESET.adminOnly, `${person.name} (${person.side})`);
  for (const member of [bob, carol]) {
    await assert.rejects(member.rename(group, "Mine"), `${member.name} (${member.side}) may not rename`);
    await assert.rejects(member.addByInbox(group, dave), `${member.name} (${member.side}) may not add`);
    await assert.rejects(member.updatePermission(group, TYPE.addMember, POLICY.allow), `${member.name} (${member.side}) may not say who may`);
  }
  await syncAll(group, all);

  // Opened one by one, and used by the other side.
  await alice.updatePermission(group, TYPE.field, POLICY.allow, FIELD.name);
  await alice.updatePermission(group, TYPE.addMember, POLICY.allow);
  await alice.updatePermission(group, TYPE.removeMember, POLICY.allow);
  await syncAll(group, all);
  await bob.rename(group, "Bob's");
  await bob.addByInbox(group, dave);
  await bob.removeByInbox(group, carol);
  await syncAll(group, [alice, bob, dave]);
  const open = await assertSameGroup(group, [alice, bob, dave]);
  assert.equal(open.name, "Bob's");
  assert.deepEqual(open.members.map((member) => member.inboxId), [alice, bob, dave].map((person) => person.inboxId).sort());

  // An admin appoints admins once that is allowed; nobody does once it is denied, not even a super admin.
  await alice.updatePermission(group, TYPE.addAdmin, POLICY.admin);
  await alice.addAdmin(group, bob);
  await syncAll(group, [alice, bob, dave]);
  await bob.addAdmin(group, dave);
  await syncAll(group, [alice, bob, dave]);
  assert.deepEqual((await assertSameGroup(group, [alice, bob, dave])).admins, [bob.inboxId, dave.inboxId].sort());
  await alice.updatePermission(group, TYPE.field, POLICY.deny, FIELD.description);
  await syncAll(group, [alice, bob, dave]);
  for (const person of [alice, bob, dave]) {
    await assert.rejects(person.update(group, "description", "none may"), `${person.name} (${person.side}): nobody may`);
  }
  await syncAll(group, [alice, bob, dave]);
  await assertSameGroup(group, [alice, bob, dave]);
});

story(6, "a group made with rules of one's own", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob } = await cast({ alice: acting, bob: following });
  const customPermissionPolicySet = {
    addMemberPolicy: POLICY.superAdmin, removeMemberPolicy: POLICY.deny, addAdminPolicy: POLICY.superAdmin, removeAdminPolicy: POLICY.deny,
    updateGroupNamePolicy: POLICY.allow, updateGroupDescriptionPolicy: POLICY.admin, updateGroupImageUrlSquarePolicy: POLICY.deny,
    updateMessageDisappearingPolicy: POLICY.superAdmin, updateAppDataPolicy: POLICY.admin,
  };
  const group = await alice.createGroup([bob], { permissions: PRESET.custom, customPermissionPolicySet });
  await syncAll(group, [bob]);
  const expected = Object.fromEntries(Object.entries(customPermissionPolicySet).map(([name, policy]) => [name.replace(/Policy$/, ""), policy]));
  for (const person of [alice, bob]) {
    assert.deepEqual(await person.permissions(group), { policyType: PRESET.custom, policySet: expected }, `${person.name} (${person.side})`);
  }
  await bob.rename(group, "Anybody's");
  await assert.rejects(bob.update(group, "appData", "mine"));
  await syncAll(group, [alice, bob]);
  assert.equal((await assertSameGroup(group, [alice, bob])).name, "Anybody's");
});
