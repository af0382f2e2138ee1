// 2. A group of both sides: who is in it, and what is said, is the same for all.
import assert from "node:assert/strict";
import { assertSameGroup, assertSameTalk, DIRECTIONS, story, syncAll } from "../support/stage.mjs";

story(2, "a mixed group, first messages by each", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob, carol } = await cast({ alice: acting, bob: following, carol: acting });
  const all = [alice, bob, carol];
  const group = await alice.createGroup([bob, carol], {
    groupName: "Lunch", groupDescription: "At twelve", groupImageUrlSquare: "https://example.org/soup.png", appData: "{\"v\":1}",
  });
  await alice.say(group, "Soup or noodles?");
  await syncAll(group, all);
  for (const person of all) assert.deepEqual(await person.groups(), [group]);
  await bob.say(group, "Noodles 🍜");
  await carol.say(group, "");
  await syncAll(group, all);
  await alice.say(group, "Fine");
  await syncAll(group, all);

  const talk = await assertSameTalk(group, all);
  assert.deepEqual(talk.map((message) => message.text), ["Soup or noodles?", "Noodles 🍜", "", "Fine"]);
  assert.deepEqual(talk.map((message) => message.sender), [alice, bob, carol, alice].map((person) => person.inboxId));
  const seen = await assertSameGroup(group, all);
  assert.deepEqual(seen.members.map((member) => member.inboxId), all.map((person) => person.inboxId).sort());
  assert.equal(seen.name, "Lunch");
  assert.equal(seen.description, "At twelve");
  assert.equal(seen.imageUrl, "https://example.org/soup.png");
  assert.equal(seen.appData, "{\"v\":1}");
  assert.deepEqual(seen.superAdmins, [alice.inboxId]);
  assert.equal(seen.creator, alice.inboxId);
});
