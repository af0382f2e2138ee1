// What a user's unit test would do, whoever runs it: two people on a network inside of the page, and no node anywhere.
import { Client, createEOASigner, isText } from "xmtp-web";
import { createTestNetwork } from "xmtp-web/testing";

export async function twoPeople() {
  const network = await createTestNetwork();
  const [alice, bob] = await Promise.all([Client.create(createEOASigner(), network.options), Client.create(createEOASigner(), network.options)]);
  const heard = await bob.conversations.streamAllMessages();
  const group = await alice.conversations.createGroup([bob.inboxId], { groupName: "Lunch" });
  await network.addFaults({ method: "SendGroupMessages", fault: { kind: "drop_answer" }, times: 1 });
  await group.sendText("Soup or noodles?");
  let text;
  for await (const message of heard) {
    if (!isText(message)) continue;
    text = message.content;
    break;
  }
  const groups = (await bob.conversations.list()).map((each) => each.name);
  await Promise.all([alice.close(), bob.close()]);
  await network.close();
  return { text, groups };
}
