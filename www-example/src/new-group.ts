/** The dialog that makes a group. */
import type { Chat } from "./chat.js";
import { dialog, run } from "./dialog.js";
import { h, shortAddress } from "./dom.js";

/** Splits what was pasted: addresses between spaces, commas or line breaks, each once. */
export function parseAddresses(text: string): { addresses: string[]; wrong: string[] } {
  const words = [...new Set(text.split(/[\s,;]+/).filter(Boolean).map((word) => word.toLowerCase()))];
  const isAddress = (word: string): boolean => /^0x[0-9a-f]{40}$/.test(word);
  return { addresses: words.filter(isAddress), wrong: words.filter((word) => !isAddress(word)) };
}

export function newGroupDialog(chat: Chat, open: (id: string) => void): void {
  const name = h("input", { id: "group-name", type: "text", maxlength: 100, placeholder: "Weekend trip", autocomplete: "off", "data-testid": "group-name" });
  const addresses = h("textarea", { id: "group-addresses", rows: 3, placeholder: "0x…, one per line or separated by commas", spellcheck: "false", "data-testid": "group-addresses" });
  const problem = h("p", { class: "problem", role: "alert", "data-testid": "dialog-error" });
  const create = h("button", { class: "button button-primary", type: "submit", "data-testid": "create-group" }, "Create group");
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const { addresses: found, wrong } = parseAddresses(addresses.value);
    const others = found.filter((address) => address !== chat.address);
    if (wrong.length > 0) problem.textContent = `Not an address: ${shortAddress(wrong[0] as string)}`;
    else if (others.length === 0) problem.textContent = "Paste at least one address.";
    else {
      void run(create, problem, async () => {
        const conversation = await chat.createGroup(name.value.trim(), others);
        element.close();
        open(conversation.group.id);
      });
    }
  };
  const element = dialog(
    "New group",
    "new-group-dialog",
    h(
      "form",
      { class: "dialog-body", onsubmit: submit },
      h("label", { for: "group-name" }, "Name ", h("span", { class: "optional" }, "optional")),
      name,
      h("label", { for: "group-addresses" }, "People"),
      addresses,
      h("p", { class: "note" }, "Wallet addresses of people who have opened this chat at least once."),
      problem,
      h("div", { class: "dialog-actions" }, create),
    ),
  );
  addresses.focus();
}
