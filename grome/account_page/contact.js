import { api } from "./api.js";
import { find, notice, text } from "./dom.js";
import { closeForm, onClick, onSubmit, openForm } from "./forms.js";

/** Show the email address and the phone number, with their states. */
export function showContact(me) {
  for (const kind of ["email", "phone"]) {
    const line = find(`#${kind}`);
    find("[data-value]", line).textContent = me[kind] ?? text("none");
    const [state, isVerified] = [find("[data-state]", line), me[`${kind}_verified`]];
    state.textContent = me[kind] ? text(isVerified ? "verified" : "not_verified") : "";
    state.dataset.tone = isVerified ? "good" : "warn";
    find("[data-action=verify]", line).hidden = !me[kind] || isVerified;
    find("[data-action=change]", line).textContent = text(me[kind] ? "change" : "add");
  }
}

for (const kind of ["email", "phone"]) prepareLine(kind, find(`#${kind}`));

function prepareLine(kind, line) {
  const [change, confirm, opener] = [find(`#change-${kind}`), find(`#confirm-${kind}`), find("[data-action=change]", line)];
  const fault = find("[data-line-fault]", line);
  opener.addEventListener("click", () => {
    closeForm(confirm);
    openForm(change);
  });
  onClick(find("[data-action=verify]", line), async () => {
    await api.call("POST", `/v1/me/${kind}/verify`);
    closeForm(change);
    openForm(confirm);
  }, fault);
  onSubmit(change, async (typed) => {
    await api.call("POST", `/v1/me/${kind}`, { [kind]: typed[kind].trim(), password: typed.password });
    closeForm(change);
    openForm(confirm);
  });
  onSubmit(confirm, async ({ code }) => {
    await api.call("POST", `/v1/me/${kind}/confirm`, { code: code.trim() });
    closeForm(confirm, opener);
    showContact(await api.call("GET", "/v1/me"));
    notice(text(`${kind}_confirmed`));
  });
  for (const form of [change, confirm]) find("[data-cancel]", form).addEventListener("click", () => closeForm(form, opener));
}
