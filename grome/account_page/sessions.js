import { api } from "./api.js";
import { countryText, element, find, momentText, notice, text } from "./dom.js";
import { onClick } from "./forms.js";

const fault = find("#sessions-fault");
const endOthers = find("#end-others");

export async function showSessions() {
  const { items } = await api.call("GET", "/v1/me/sessions");
  const ordered = [...items].sort((one, other) => other.current - one.current);
  find("#sessions").replaceChildren(...ordered.map(sessionItem));
  endOthers.hidden = items.length < 2;
}

onClick(endOthers, async () => {
  await api.call("DELETE", "/v1/me/sessions");
  await showSessions();
  notice(text("others_ended"));
}, fault);

function sessionItem(session) {
  const name = deviceText(session.device);
  const said = [...(session.country ? [countryText(session.country)] : []), text("last_used", { moment: momentText(session.last_used_at) })];
  const about = element("div", { className: "about" }, element("strong", {}, name), element("span", { className: "hint" }, said.join(" · ")));
  if (session.current) {
    const pill = element("span", { className: "pill" }, text("this_device"));
    pill.dataset.tone = "good";
    return element("li", {}, about, pill);
  }
  const end = element("button", { type: "button", className: "quiet small danger" }, text("end"));
  end.setAttribute("aria-label", `${text("end")}: ${name}`);
  onClick(end, async () => {
    await api.call("DELETE", `/v1/me/sessions/${session.id}`);
    await showSessions();
    notice(text("session_closed"));
  }, fault);
  return element("li", {}, about, element("div", { className: "actions" }, end));
}

const BROWSERS = [["Edg", "Edge"], ["OPR", "Opera"], ["Firefox", "Firefox"], ["Chrome", "Chrome"], ["Safari", "Safari"]];
const SYSTEMS = [["iPhone", "iPhone"], ["iPad", "iPad"], ["Android", "Android"], ["Windows", "Windows"], ["Mac OS", "macOS"], ["Linux", "Linux"]];

/** Name a device by its label, or by browser and system. */
function deviceText({ name, user_agent: agent }) {
  const found = (table) => table.find(([mark]) => agent?.includes(mark))?.[1];
  const program = [found(BROWSERS), found(SYSTEMS)].filter(Boolean).join(", ");
  return [name, program].filter(Boolean).join(" · ") || agent || text("unknown_device");
}
