// 6. What breaks the rules is refused by both sides, which stay in their epoch and go on talking.
import assert from "node:assert/strict";
import { assertSameGroup, assertSameTalk, DIRECTIONS, story, syncAll } from "../support/stage.mjs";

/** What a plain member of a group with the default rules may not do: [name, forgery]. */
const byMember = ({ alice, bob, carol, mallory }) => [
  ["a name of 101 bytes", { what: "field", field: "group_name", value: "n".repeat(101) }],
  ["a description of 1001 bytes", { what: "field", field: "description", value: "d".repeat(1001) }],
  ["messages that disappear", { what: "field", field: "message_disappear_in_ns", value: "1" }],
  ["a minimum version", { what: "field", field: "minimum_supported_protocol_version", value: "1.0.0" }],
  ["a key of her own for the commit log", { what: "field", field: "_commit_log_signer", value: "00".repeat(32) }],
  ["a field that no policy names", { what: "field", field: "something_new", value: "hers" }],
  ["other permissions", { what: "permissions" }],
  ["permissions that are none", { what: "garbled", extension: 0xff02 }],
  ["metadata that are none", { what: "garbled", extension: 0xff00 }],
  ["members that are none", { what: "garbled", extension: 0xff01 }],
  ["herself as admin", { what: "role", list: "admin", inboxId: mallory.inboxId, present: true }],
  ["herself as super admin", { what: "role", list: "superAdmin", inboxId: mallory.inboxId, present: true }],
  ["nobody as super admin", { what: "role", list: "superAdmin", inboxId: alice.inboxId, present: false }],
  ["a member removed", { what: "remove", inboxId: bob.inboxId }],
  ["the super admin removed", { what: "remove", inboxId: alice.inboxId }],
  ["a member gone from the list, but not from the tree", { what: "unlist", inboxId: bob.inboxId }],
  ["a leaf gone, but not its member", { what: "prune", installationId: bob.installationId }],
  ["a leaf of nobody in the list", { what: "smuggle", installationId: carol.installationId }],
  ["a member's identity log of before", { what: "sequence", inboxId: bob.inboxId, sequenceId: 0 }],
  ["a proposal to remove, and a commit of it", { what: "proposeRemoval", inboxId: bob.inboxId }],
];

/** What she may not do where only admins may. */
const byMemberUnderAdmins = ({ carol }) => [
  ["somebody added", { what: "add", inboxId: carol.inboxId, sequenceId: carol.sequenceId, installationIds: [carol.installationId] }],
  ["another name", { what: "field", field: "group_name", value: "Mallory's" }],
];

/** What an admin may not do either. */
const byAdmin = ({ alice, mallory }) => [
  ["the super admin removed by an admin", { what: "remove", inboxId: alice.inboxId }],
  ["herself as super admin", { what: "role", list: "superAdmin", inboxId: mallory.inboxId, present: true }],
  ["other permissions", { what: "permissions" }],
];

story(6, "commits that break the rules", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const people = await cast({ alice: acting, bob: following, mallory: "forger", carol: acting });
  const { alice, bob, mallory } = people;
  const all = [alice, bob, mallory];

  const refused = async (group, forgeries) => {
    for (const [name, forgery] of forgeries) {
      const before = await Promise.all([alice, bob].map((person) => person.epoch(group)));
      await mallory.forge(group, forgery);
      await syncAll(group, all);
      const after = await Promise.all([alice, bob].map((person) => person.epoch(group)));
      assert.deepEqual(after, before, `${name}: nobody follows`);
    }
    const epochs = await Promise.all(all.map((person) => person.epoch(group)));
    assert.equal(new Set(epochs).size, 1, `all are in one epoch: ${epochs}`);
    await assertSameGroup(group, [alice, bob]);
    // Each is heard by all, and the next commit of the same epoch, by either side, is followed.
    await mallory.say(group, "it was not me");
    await syncAll(group, all);
    await bob.rename(group, `After ${forgeries.length} by bob`).catch(() => bob.say(group, "I may not"));
    await syncAll(group, all);
    await alice.rename(group, `After ${forgeries.length}`);
    await syncAll(group, all);
    for (const person of all) await person.say(group, `${person.name} is here`);
    await syncAll(group, all);
    await assertSameTalk(group, all);
    const seen = await assertSameGroup(group, [alice, bob]);
    assert.equal(seen.name, `After ${forgeries.length}`);
    assert.equal(seen.members.length, 3);
  };

  const group = await alice.createGroup([bob, mallory], { groupName: "Honest" });
  await syncAll(group, all);
  for (const person of [bob, mallory]) await person.say(group, `${person.name} is in`);
  await syncAll(group, all);
  await refused(group, byMember(people));
  await alice.addAdmin(group, mallory);
  await syncAll(group, all);
  await refused(group, byAdmin(people));

  const strict = await alice.createGroup([bob, mallory], { groupName: "Strict", permissions: 1 });
  await syncAll(strict, all);
  for (const person of [bob, mallory]) await person.say(strict, `${person.name} is in`);
  await syncAll(strict, all);
  people.carol.sequenceId = await mallory.ask("sequenceOf", people.carol.inboxId);
  await refused(strict, byMemberUnderAdmins(people));
  assert.deepEqual(await people.carol.groups(), []);
});

/** Releases that look at a committer's leaf as it was and not at the one that its commit brings. */
const FOLLOW_IMPOSTORS = ["peer-6.1"];

story(6, "a leaf under another's name", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob, mallory } = await cast({ alice: acting, bob: following, mallory: "forger" });
  const group = await alice.createGroup([bob, mallory]);
  await syncAll(group, [bob, mallory]);
  for (const person of [bob, mallory]) await person.say(group, `${person.name} is in`);
  await syncAll(group, [alice, bob, mallory]);
  const before = await alice.epoch(group);
  await mallory.forge(group, { what: "impersonate", inboxId: alice.inboxId });
  await syncAll(group, [alice, bob, mallory]);
  const deceived = (person) => FOLLOW_IMPOSTORS.includes(person.peer?.alias);
  for (const person of [alice, bob]) {
    assert.equal(await person.epoch(group), deceived(person) ? before + 1 : before, `${person.name} (${person.side})`);
  }
  // Who has not fallen for it goes on.
  const honest = [alice, bob, mallory].filter((person) => !deceived(person));
  for (const person of honest) await person.say(group, `${person.name} is ${person.name}`);
  await syncAll(group, honest);
  await assertSameTalk(group, honest);
});
