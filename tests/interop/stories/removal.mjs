// 9. Messages that are taken back.
import assert from "node:assert/strict";
import { DIRECTIONS, story, syncAll } from "../support/stage.mjs";

story(9, "messages taken back", [DIRECTIONS.peerActs, DIRECTIONS.weAct], async ({ cast, acting, following }) => {
  const { alice, bob } = await cast({ alice: following, bob: acting });
  const all = [alice, bob];
  // Alice made the group: she is its super admin, Bob a plain member.
  const group = await alice.createGroup([bob]);
  await syncAll(group, all);
  const kept = await alice.say(group, "nobody takes this back");
  const regretted = await bob.say(group, "I should not have said this");
  const rude = await bob.say(group, "and certainly not this");
  await syncAll(group, all);
  await bob.takeBack(group, regretted);
  await syncAll(group, all);
  // A super admin takes back what others said.
  await alice.takeBack(group, rude);
  await syncAll(group, all);
  // Released clients have no call for it: they follow what they did not send by hand.
  const follows = (person, by) => person !== by || person.side === "xmtp-web";
  for (const person of all) {
    const [first, second, third, ...more] = await person.said(group);
    assert.deepEqual([first.id, first.text], [kept, "nobody takes this back"], `${person.name} (${person.side})`);
    if (follows(person, bob)) assert.deepEqual([second.id, second.takenBack], [regretted, { by: "sender" }], `${person.name} (${person.side})`);
    if (follows(person, alice)) assert.deepEqual([third.id, third.takenBack], [rude, { by: "admin", admin: alice.inboxId }], `${person.name} (${person.side})`);
    // Ours removes in both forms, and released clients have never heard of that of XIP-45: a line of a type unknown to them.
    const unknown = person.side === "xmtp-web" ? [] : all.filter((each) => each.side === "xmtp-web").map(() => "xmtp.org/delete:0.1");
    assert.deepEqual(more.map((message) => message.type), unknown, `${person.name} (${person.side}): what else is listed`);
    for (const message of more) assert.equal(message.fallback, undefined, "and nothing to show in its place");
  }
  // Who is neither its sender nor a super admin is not listened to.
  await bob.takeBackAnyway(group, kept);
  await syncAll(group, all);
  for (const person of all) {
    const [first] = await person.said(group);
    assert.deepEqual([first.id, first.text, first.takenBack], [kept, "nobody takes this back", undefined], `${person.name} (${person.side})`);
  }
});
