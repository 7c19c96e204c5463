import { api } from "./api.js";
import { dayText, element, find, momentText, notice, text } from "./dom.js";
import { onClick, onSubmit } from "./forms.js";

const fault = find("#exports-fault");
let onDeleted = () => {};

/** Show the exports; `deleted` is called with the kept data after the account was deleted. */
export async function showData(deleted) {
  onDeleted = deleted;
  await showExports();
}

async function showExports() {
  const { items } = await api.call("GET", "/v1/me/exports");
  find("#exports").replaceChildren(...items.map(exportItem));
}

onClick(find("#request-export"), async () => {
  await api.call("POST", "/v1/me/export");
  await showExports();
  notice(text("export_requested"));
}, fault);

function exportItem(made) {
  const isDone = made.state === "done";
  const said = isDone ? text("export_until", { day: dayText(made.expires_at) }) : text(made.state === "failed" ? "export_failed" : "export_pending");
  const about = element("div", { className: "about" }, element("strong", {}, momentText(made.created_at)), element("span", { className: "hint" }, said));
  if (!isDone) return element("li", {}, about);
  const download = element("button", { type: "button", className: "quiet small" }, text("download"));
  onClick(download, async () => {
    const { url } = await api.call("GET", `/v1/me/exports/${made.id}`);
    location.assign(url);
  }, fault);
  return element("li", {}, about, element("div", { className: "actions" }, download));
}

onSubmit(find("#delete"), async ({ password }) => {
  const { kept } = await api.call("DELETE", "/v1/me", { password });
  onDeleted(kept.map(({ data, reason }) => element("li", {}, `${data}: ${reason}`)));
});
