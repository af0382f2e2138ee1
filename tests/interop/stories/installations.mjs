// 5. One inbox on several devices, and on both kinds of client at once.
import assert from "node:assert/strict";
import { assertSameGroup, assertSameTalk, DIRECTIONS, story, syncAll } from "../support/stage.mjs";

/** A sender looks for new devices of the members at most once in this time (both kinds of client). Milliseconds. */
const REFRESH_MS = 5_000;

/** Someone writes until their client has seen the new device and has brought it in. */
async function writeUntilIn(group, writer, device) {
  const deadline = Date.now() + 4 * REFRESH_MS;
  for (let line = 1; Date.now() < deadline; line++) {
    await writer.say(group, `line ${line} for a new device`);
    await device.sync();
    if ((await device.groups()).includes(group)) return;
    // The peers' clock cannot be moved.
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS / 5));
  }
  throw new Error(`${writer.name} (${writer.side}) has not brought in ${device.name} (${device.side})`);
}

story(5, "a second installation gets in", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob } = await cast({ alice: acting, bob: following });
  const group = await alice.createGroup([bob]);
  await alice.say(group, "before the second device");
  await syncAll(group, [alice, bob]);

  // Bob's second device: whoever writes next in the group brings it in.
  const { tablet } = await cast({ tablet: [following, bob.wallet] });
  assert.equal(tablet.inboxId, bob.inboxId);
  assert.notEqual(tablet.installationId, bob.installationId);
  await writeUntilIn(group, alice, tablet);
  await alice.say(group, "can you read this there?");
  await syncAll(group, [bob, tablet]);
  assert.deepEqual(await tablet.groups(), [group]);
  assert.ok(!(await tablet.texts(group)).includes("before the second device"));
  assert.equal((await tablet.texts(group)).at(-1), "can you read this there?");
  await tablet.say(group, "yes, from the tablet");
  await syncAll(group, [alice, bob, tablet]);
  await assertSameTalk(group, [alice, bob]);

  // And Alice's second device, brought in by Bob.
  const { phone } = await cast({ phone: [acting, alice.wallet] });
  await writeUntilIn(group, bob, phone);
  await bob.say(group, "everybody here?");
  // The tablet learns of the phone first: a message of an epoch before the phone is none that it could read.
  await syncAll(group, [phone, tablet]);
  await phone.say(group, "everybody");
  await tablet.say(group, "everybody indeed");
  await syncAll(group, [alice, bob, tablet, phone]);
  for (const device of [alice, bob, tablet, phone]) {
    assert.deepEqual((await device.texts(group)).slice(-3), ["everybody here?", "everybody", "everybody indeed"], `${device.name} (${device.side})`);
  }
  const seen = await assertSameGroup(group, [alice, bob, tablet, phone]);
  assert.deepEqual(seen.members.map((member) => member.installations.length), [2, 2]);
});

story(5, "one inbox on both kinds of client", [DIRECTIONS.both], async ({ cast }) => {
  const { alice, bob } = await cast({ alice: "peer", bob: "peer" });
  const { page } = await cast({ page: ["ours", alice.wallet] });
  const { program } = await cast({ program: ["peer", page.wallet] });
  assert.equal(page.inboxId, alice.inboxId);
  assert.equal(program.inboxId, alice.inboxId);
  const group = await bob.createGroup([alice], { groupName: "Three devices" });
  await bob.say(group, "which one will it be?");
  await syncAll(group, [alice, page, program]);
  await page.say(group, "the page");
  await program.say(group, "the program");
  await syncAll(group, [alice, page, program, bob]);
  const talk = await assertSameTalk(group, [bob, alice, page, program]);
  assert.deepEqual(talk.map((message) => message.text), ["which one will it be?", "the page", "the program"]);
  const seen = await assertSameGroup(group, [bob, alice, page, program]);
  assert.equal(seen.members.find((member) => member.inboxId === alice.inboxId).installations.length, 3);
  // A group made on one device of an inbox is on its others too.
  const own = await page.createGroup([bob], { groupName: "Made in the page" });
  await page.say(own, "hello");
  await syncAll(own, [alice, program, bob]);
  await assertSameTalk(own, [page, alice, program, bob]);
});
