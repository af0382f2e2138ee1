/** The dialog about a group: its name, who is in it, its rules, and leaving it. */
import { PermissionLevel, ethereumIdentifier, type PermissionPolicySet } from "xmtp-web";
import type { Chat, GroupConversation } from "./chat.js";
import { confirmDialog, dialog, run } from "./dialog.js";
import { h } from "./dom.js";
import { explain } from "./explain.js";
import { memberRow, type Act } from "./members.js";
import { settings } from "./settings.js";

export function detailsDialog(chat: Chat, conversation: GroupConversation): void {
  const { group } = conversation;
  const problem = h("p", { class: "problem", role: "alert", "data-testid": "dialog-error" });
  const count = h("span", { class: "count" });
  const members = h("ul", { class: "members", "data-testid": "members", "aria-label": "Members" });
  let rules: PermissionPolicySet | undefined;

  const showMembers = (): void => {
    const byRole = [...conversation.members].sort((a, b) => b.permissionLevel - a.permissionLevel);
    count.textContent = String(byRole.length);
    const focused = document.activeElement?.closest<HTMLElement>("[data-inbox]")?.dataset["inbox"];
    members.replaceChildren(...byRole.map((member) => memberRow(chat, conversation, member, rules, act)));
    if (focused !== undefined) members.querySelector<HTMLElement>(`[data-inbox="${CSS.escape(focused)}"] button`)?.focus();
  };
  /** What is shown may have been decided by others meanwhile, so it is read again either way. */
  const act: Act = async (work) => {
    problem.textContent = "";
    members.setAttribute("aria-busy", "true");
    try {
      await work();
      return true;
    } catch (error) {
      problem.textContent = explain(error);
      problem.scrollIntoView({ block: "nearest" });
      return false;
    } finally {
      await chat.changed(conversation).catch(() => undefined);
      rules = await group.permissions().then(({ policySet }) => policySet, () => rules);
      showMembers();
      members.removeAttribute("aria-busy");
    }
  };
  showMembers();
  void group.permissions().then(({ policySet }) => {
    rules = policySet;
    showMembers();
  }, (error: unknown) => (problem.textContent = explain(error)));

  const name = h("input", { id: "rename", type: "text", maxlength: 100, value: group.name, autocomplete: "off", "data-testid": "rename" });
  const rename = h("button", { class: "button", type: "submit", "data-testid": "rename-save" }, "Rename");
  const address = h("input", { id: "add-member", type: "text", placeholder: "0x…", spellcheck: "false", autocomplete: "off", "data-testid": "add-member" });
  const add = h("button", { class: "button", type: "submit", "data-testid": "add-member-save" }, "Add");
  const submitting = (button: HTMLButtonElement, work: () => Promise<void>) => (event: SubmitEvent) => {
    event.preventDefault();
    void run(button, problem, async () => {
      await work();
      await chat.changed(conversation);
      showMembers();
    });
  };
  const element = dialog(
    "Group details",
    "details-dialog",
    h(
      "div",
      { class: "dialog-body" },
      conversation.active &&
        h(
          "form",
          { class: "inline-form", onsubmit: submitting(rename, () => group.updateName(name.value.trim())) },
          h("label", { for: "rename" }, "Group name"),
          h("div", { class: "inline" }, name, rename),
        ),
      h("h3", {}, "Members ", count),
      members,
      conversation.active &&
        h(
          "form",
          {
            class: "inline-form",
            onsubmit: submitting(add, async () => {
              await group.addMembersByIdentifiers([ethereumIdentifier(address.value.trim())]);
              address.value = "";
            }),
          },
          h("label", { for: "add-member" }, "Add someone by address"),
          h("div", { class: "inline" }, address, add),
        ),
      problem,
      settings(chat, conversation, (control, work) =>
        run(control, problem, async () => {
          await work();
          await chat.changed(conversation);
          rules = (await group.permissions()).policySet;
          showMembers();
        }),
      ),
      conversation.active && leaving(chat, conversation, () => element.close()),
    ),
  );
}

/** Others take somebody out who wants to go: nobody can do that to themselves. */
function leaving(chat: Chat, conversation: GroupConversation, close: () => void): HTMLElement {
  const { group } = conversation;
  const superAdmin = chat.ownLevel(conversation) === PermissionLevel.SuperAdmin;
  const ask = (): void =>
    confirmDialog({
      title: "Leave this group?",
      text: "An admin's app takes you out when it hears of it. What was written so far stays on this device.",
      yes: "Leave",
      no: "Stay",
      testId: "leave-dialog",
      confirmId: "confirm-leave",
      work: async () => {
        await group.requestRemoval();
        await chat.changed(conversation);
        close();
      },
    });
  return h(
    "div",
    { class: "leaving" },
    h("button", { class: "button button-leave", type: "button", disabled: superAdmin, "aria-describedby": superAdmin ? "leave-note" : undefined, "data-testid": "leave", onclick: ask }, "Leave group"),
    superAdmin && h("p", { class: "note", id: "leave-note" }, "A super admin cannot leave: make somebody else super admin and give your own role up first."),
  );
}
