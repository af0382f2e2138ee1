// 5. An installation that is lost: revoked by the wallet, taken out by whoever writes next.
import assert from "node:assert/strict";
import { eventually } from "../support/person.mjs";
import { assertSameGroup, assertSameTalk, DIRECTIONS, story, syncAll } from "../support/stage.mjs";

/** A sender looks at the logs of the members at most once in this time. Milliseconds. */
const REFRESH_MS = 5_000;

/** Someone writes until their client has seen the revocation and has taken the device out. */
async function writeUntilOut(group, writer, owner, left) {
  let line = 0;
  await eventually(`${writer.name} (${writer.side}) takes a revoked device of ${owner.name} (${owner.side}) out`, async () => {
    await writer.say(group, `line ${++line} after a revocation`);
    const member = (await writer.members(group)).find((each) => each.inboxId === owner.inboxId);
    return member.installations.length === left;
  }, 4 * REFRESH_MS);
}

story(5, "a revoked installation is out", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob } = await cast({ alice: following, bob: acting });
  const { lost } = await cast({ lost: [acting, bob.wallet] });
  const group = await alice.createGroup([bob], { groupName: "Two and a lost phone" });
  await alice.say(group, "while it was there");
  await syncAll(group, [bob, lost]);
  await lost.say(group, "from the phone");
  await syncAll(group, [alice, bob]);
  const before = await assertSameGroup(group, [alice, bob, lost]);
  assert.equal(before.members.find((member) => member.inboxId === bob.inboxId).installations.length, 2);

  // Bob's wallet revokes it; whoever writes next takes it out of the group.
  await bob.revoke(lost);
  assert.deepEqual(await bob.ownInstallations(), [bob.installationId]);
  await writeUntilOut(group, alice, bob, 1);
  await alice.say(group, "not for who found it");
  await syncAll(group, [bob]);
  const after = await assertSameGroup(group, [alice, bob]);
  assert.deepEqual(after.members.find((member) => member.inboxId === bob.inboxId).installations, [bob.installationId]);
  await bob.say(group, "good");
  await syncAll(group, [alice]);
  assert.deepEqual((await assertSameTalk(group, [alice, bob])).slice(-2).map((message) => message.text), ["not for who found it", "good"]);
  await syncAll(group, [lost]).catch(() => undefined);
  assert.ok(!(await lost.texts(group)).includes("not for who found it"), "it reads no more");
  await assert.rejects(lost.say(group, "let me in"), "nor is it heard");
  await syncAll(group, [alice, bob]);
  assert.ok(!(await alice.texts(group)).includes("let me in"));
  // A group made after it has never heard of the lost one.
  const next = await alice.createGroup([bob]);
  await alice.say(next, "without the phone");
  await syncAll(next, [bob]);
  const seen = await assertSameGroup(next, [alice, bob]);
  assert.deepEqual(seen.members.find((member) => member.inboxId === bob.inboxId).installations, [bob.installationId]);
});
